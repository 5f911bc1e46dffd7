// The form definition as published (kb/schemas/form.schema.json), read for the screen.
import type { LocalText } from "./i18n";

export type Widget = "text" | "textarea" | "date" | "number" | "email" | "phone" | "radio" | "select" | "checkbox";
export interface Option {
  value: string;
  label: LocalText;
}
export interface FieldElement {
  type: "field";
  field: string;
  label: LocalText;
  hint?: LocalText;
  widget: Widget;
  autocomplete?: string;
  options?: Option[];
  office?: boolean;
}
export interface RepeatElement {
  type: "repeat";
  field: string;
  title: LocalText;
  elements: FieldElement[];
  office?: boolean;
}
export interface SectionElement {
  type: "section";
  title: LocalText;
  elements: (FieldElement | RepeatElement)[];
}
export interface PropertySchema {
  type?: string;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: ObjectSchema;
}
export interface ObjectSchema {
  properties?: Record<string, PropertySchema>;
  required?: string[];
}
export interface FormDefinition {
  id: string;
  version: number;
  sample?: boolean;
  title: LocalText;
  schema: ObjectSchema;
  layout: SectionElement[];
}

export function formDefinition(value: Record<string, unknown>): FormDefinition {
  return value as unknown as FormDefinition;
}

/** "/children/2/name" -> ["children", "2", "name"] (RFC 6901). */
export function pathParts(path: string): string[] {
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"));
}

export function isRequired(definition: FormDefinition, field: string): boolean {
  return definition.schema.required?.includes(pathParts(field)[0] ?? "") ?? false;
}

/** The element a path points to; inside a repeating group, its field, with the group and the row. */
export function elementAt(definition: FormDefinition, path: string): { element: FieldElement | RepeatElement; group?: RepeatElement; row?: number } | null {
  const parts = pathParts(path);
  for (const section of definition.layout) {
    for (const element of section.elements) {
      if (pathParts(element.field)[0] !== parts[0]) continue;
      if (element.type === "field") return { element };
      const inner = element.elements.find((child) => child.field.replace(/^\//, "") === parts[2]);
      const row = Number(parts[1]);
      return inner && Number.isInteger(row) ? { element: inner, group: element, row: row + 1 } : { element };
    }
  }
  return null;
}

/** The label of the field a path points to, with the row's number inside a repeating group. */
export function labelOf(definition: FormDefinition, path: string): { label: LocalText; group?: LocalText; row?: number } | null {
  const found = elementAt(definition, path);
  if (!found) return null;
  const { element, group, row } = found;
  const label = element.type === "field" ? element.label : element.title;
  return group && row !== undefined ? { label, group: group.title, row } : { label };
}

/** Sections with only the elements meant for the audience; empty ones are left out. */
export function sectionsFor(definition: FormDefinition, audience: "shared" | "office"): SectionElement[] {
  return definition.layout
    .map((section) => ({ ...section, elements: section.elements.filter((element) => (element.office ?? false) === (audience === "office")) }))
    .filter((section) => section.elements.length > 0);
}

/** The id of a path's input, for labels and for links of the gap list. */
export function fieldId(path: string): string {
  return `field${path.replace(/[^A-Za-z0-9]/g, "-")}`;
}
