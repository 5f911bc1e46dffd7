// What the pages say, by key, from the same files the pages are built from.
import { readdirSync, readFileSync } from "node:fs";

const root = new URL("../../../", import.meta.url);
const readJson = (path) => JSON.parse(readFileSync(new URL(path, root), "utf8"));

/** t(key, params) in one language; a key that is not there is an error. */
export function texts(language) {
  const folder = `appliance/messages/${language}`;
  const table = Object.assign({}, ...readdirSync(new URL(folder, root)).map((name) => readJson(`${folder}/${name}`)));
  return (key, params = {}) => {
    if (!(key in table)) throw new Error(`no message ${key} in ${language}`);
    return table[key].replace(/\{(\w+)\}/g, (whole, name) => params[name] ?? whole);
  };
}

/** A service of the Hungarian sample office, with its form. */
export function sampleService(name) {
  const service = readJson(`kb/samples/hu/services/${name}.json`);
  const form = readJson(`kb/samples/hu/forms/${service.form.replace(/^hu\./, "")}.json`);
  const fields = form.layout.flatMap((section) => section.elements).filter((element) => element.type === "field");
  return {
    id: service.id,
    name: service.name,
    prefix: service.prefix,
    fields,
    label: (path, language) => fields.find((element) => element.field === path).label[language],
  };
}
