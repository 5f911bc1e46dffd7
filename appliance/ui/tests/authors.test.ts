import assert from "node:assert/strict";
import { test } from "node:test";
import { Authors, storyOf, writers, type Author, type Previous } from "../shared/authors";

const clerk = { kind: "clerk", id: "c1", you: false } as const;
const citizen = { kind: "citizen", id: "citizen", you: true } as const;
const at = "2026-03-02T09:02:00Z";

const author = (by: typeof clerk | typeof citizen, more: Partial<Author> = {}): Author => ({ ...by, path: "/kind", at, others: [], ...more });
const earlier = (by: typeof clerk | typeof citizen, value: unknown, concurrent = false): Previous => ({ ...by, at, value, concurrent });

test("what changed is added to what is known; a complete word replaces it", () => {
  const authors = new Authors();
  const known = () => [...authors.fields.value].map(([path, { kind }]) => [path, kind]);
  authors.take({ authors: [author(clerk), author(citizen, { path: "/dogs/1/name" })], complete: true });
  authors.take({ authors: [author(citizen)] });
  assert.deepEqual(known(), [["/kind", "citizen"], ["/dogs/1/name", "citizen"]]);
  authors.take({ authors: [author(citizen, { path: "/dogs/0/name" })], complete: true });
  assert.deepEqual(known(), [["/dogs/0/name", "citizen"]], "rows have moved: nothing stays at a path that is another's now");
});

test("whoever wrote in a text is named once, the last one first", () => {
  assert.deepEqual(writers(author(clerk, { others: [citizen, clerk] })), [author(clerk, { others: [citizen, clerk] }), citizen]);
});

test("the earlier answer is told by what it means to the person", () => {
  const story = (one: Author, value: unknown) => storyOf(one, value)?.story ?? null;
  assert.equal(story(author(clerk), "stay"), null, "nothing was there before");
  assert.equal(story(author(clerk, { previous: earlier(citizen, "residence") }), "stay"), "correction");
  assert.equal(story(author(citizen, { previous: earlier(clerk, "residence") }), "stay"), "before", "one knows what one has changed oneself");
  assert.equal(story(author(clerk, { previous: earlier(citizen, "residence", true) }), "stay"), "collision");
  assert.equal(story(author(citizen, { previous: earlier(clerk, "residence", true) }), "stay"), "collision");
  assert.equal(story(author(clerk, { previous: earlier(citizen, "stay", true) }), "stay"), null, "both said the same");
  assert.equal(story(author(clerk, { previous: earlier(clerk, "residence") }), "stay"), null, "somebody's own change of mind");
  assert.equal(story(author(citizen, { previous: earlier(citizen, "residence", true) }), "stay"), "collision", "one's own two devices");
  assert.equal(story(author(clerk, { previous: earlier(citizen, null) }), "stay"), null, "there was no answer to go back to");
  assert.equal(story(author(clerk, { previous: earlier(citizen, "residence") }), undefined), "correction", "an answer removed is worth telling too");
  assert.equal(storyOf(undefined, "stay"), null);
});
