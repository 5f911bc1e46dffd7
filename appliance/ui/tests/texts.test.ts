import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanCode } from "../shared/code";
import { dateOrder, joinDate, splitDate } from "../shared/date-parts";
import { fieldId, labelOf, pathParts, sectionsFor, type FormDefinition } from "../shared/form-model";
import { chooseLanguage, fill, plural } from "../shared/i18n";
import { shortcutOf } from "../desk/shortcuts";
import { messages } from "../generated/messages";

test("placeholders are filled; an unknown one stays visible", () => {
  assert.equal(fill("{number}: {counter}. ablak {x}", { number: "A012", counter: 3 }), "A012: 3. ablak {x}");
});

test("plurals follow each language", () => {
  const say = (language: "hu" | "cs" | "en", count: number) => plural(messages[language], language, "ui.kiosk.waiting", count);
  assert.deepEqual([1, 3, 5].map((count) => say("cs", count)), ["1 čekající", "3 čekající", "5 čekajících"]);
  assert.deepEqual([1, 2].map((count) => say("hu", count)), ["1 várakozó", "2 várakozó"]);
  assert.deepEqual([1, 2].map((count) => say("en", count)), ["1 waiting", "2 waiting"]);
});

test("every plural has all its forms in every language", () => {
  for (const [language, texts] of Object.entries(messages))
    for (const key of Object.keys(texts)) {
      const match = /^(.*)\.(one|few|many|other)$/.exec(key);
      if (!match) continue;
      for (const form of ["one", "few", "many", "other"])
        assert.ok(`${match[1]}.${form}` in texts, `${language} lacks ${match[1]}.${form}`);
    }
});

test("the language: wishes in turn, but only what the office offers", () => {
  assert.equal(chooseLanguage(["hu", "en"], "hu", [null, "cs-CZ", "en-GB"]), "en");
  assert.equal(chooseLanguage(["hu", "en"], "hu", ["de"]), "hu");
  assert.equal(chooseLanguage(["hu", "en"], "xx", []), "en");
});

test("a code is eight digits however it is written", () => {
  assert.equal(cleanCode("1234 5678"), "12345678");
  assert.equal(cleanCode(" 12-34.56\u00a078 "), "12345678");
  for (const wrong of ["1234567", "123456789", "1234 567a", ""]) assert.equal(cleanCode(wrong), null);
});

test("dates: the language's order, whole real days only", () => {
  assert.deepEqual(dateOrder("hu"), ["year", "month", "day"]);
  assert.deepEqual(dateOrder("cs"), ["day", "month", "year"]);
  assert.equal(joinDate({ day: "9", month: "2", year: "1990" }), "1990-02-09");
  assert.equal(joinDate({ day: "31", month: "2", year: "1990" }), null);
  assert.equal(joinDate({ day: "29", month: "2", year: "2024" }), "2024-02-29");
  assert.equal(joinDate({ day: "9", month: "2", year: "90" }), null);
  assert.deepEqual(splitDate("1990-02-09"), { day: "9", month: "2", year: "1990" });
});

const definition: FormDefinition = {
  id: "x",
  version: 1,
  title: { en: "X" },
  schema: { required: ["name"], properties: {} },
  layout: [
    { type: "section", title: { en: "A" }, elements: [{ type: "field", field: "/name", label: { en: "Name" }, widget: "text" }] },
    {
      type: "section",
      title: { en: "B" },
      elements: [
        { type: "repeat", field: "/children", title: { en: "Children" }, elements: [{ type: "field", field: "birth", label: { en: "Born" }, widget: "date" }] },
        { type: "field", field: "/note", label: { en: "Note" }, widget: "textarea", office: true },
      ],
    },
  ],
};

test("a gap's path finds its label, also inside a repeating group", () => {
  assert.deepEqual(pathParts("/a~1b/~0c"), ["a/b", "~c"]);
  assert.deepEqual(labelOf(definition, "/name")?.label, { en: "Name" });
  assert.deepEqual(labelOf(definition, "/children/1/birth"), { label: { en: "Born" }, group: { en: "Children" }, row: 2 });
  assert.deepEqual(labelOf(definition, "/children")?.label, { en: "Children" });
  assert.equal(labelOf(definition, "/nothing"), null);
  assert.equal(fieldId("/children/1/birth"), "field-children-1-birth");
});

test("office fields are only in the office's part, empty sections in neither", () => {
  const fields = (audience: "shared" | "office") => sectionsFor(definition, audience).flatMap((section) => section.elements.map((element) => element.field));
  assert.deepEqual(fields("shared"), ["/name", "/children"]);
  assert.deepEqual(fields("office"), ["/note"]);
});

test("shortcuts go by the key's place, leave AltGr alone and stay out of text", () => {
  const press = (code: string, key: string, alt: boolean, inField = false, ctrl = false) => shortcutOf({ code, key, altKey: alt, ctrlKey: ctrl, metaKey: false }, inField);
  assert.equal(press("KeyN", "n", true, true), "call-next");
  assert.equal(press("KeyN", "\u02dc", true), "call-next");
  assert.equal(press("KeyF", "[", true, true, true), null);
  assert.equal(press("Slash", "/", false), "search");
  assert.equal(press("Slash", "/", false, true), null);
  assert.equal(press("Digit6", "/", false), "search");
  assert.equal(press("Comma", "?", false), "help");
});
