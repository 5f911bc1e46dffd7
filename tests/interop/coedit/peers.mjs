// Random edits on yjs documents, everything drawn from one seeded generator.
import * as Y from 'yjs'

export const roots = { map: 'map', list: 'array', text: 'text', xml: 'xml' }

/** mulberry32 */
export class Random {
  constructor (seed, wholeCharacters = false) {
    this.state = seed >>> 0
    this.wholeCharacters = wholeCharacters // no surrogate pairs, so that none is ever split
  }

  next () {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  below (bound) { return Math.floor(this.next() * bound) }
  pick (list) { return list[this.below(list.length)] }
  chance (part) { return this.next() < part }
}

const pieces = ['a', 'bc', 'űrlap', ' ', 'Příliš žluťoučký', '😀', 'x𝒳y', '\n', '👩‍👩‍👧', '日本', '\u0000', 'long enough to be split']

const whole = pieces.filter(piece => !/[\u{10000}-\u{10ffff}]/u.test(piece))

export const someText = random => {
  let text = ''
  for (let n = 1 + random.below(3); n > 0; n--) text += random.pick(random.wholeCharacters ? whole : pieces)
  return text
}

export const someValue = (random, depth = 0) => {
  switch (random.below(depth > 2 ? 7 : 9)) {
    case 0: return random.below(100) - 50
    case 1: return random.pick([0.5, 1e100, -1.25, 2 ** 40, 3.3, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 1e21])
    case 2: return someText(random)
    case 3: return random.chance(0.5)
    case 4: return null
    case 5: return ''
    case 6: return 'text ' + random.below(10)
    case 7: return Array.from({ length: random.below(4) }, () => someValue(random, depth + 1))
    default: return Object.fromEntries(Array.from({ length: random.below(4) }, () => [random.pick(['a', 'é', 'b c', '']), someValue(random, depth + 1)]))
  }
}

const someType = random => {
  switch (random.below(3)) {
    case 0: return new Y.Map(random.chance(0.5) ? [['k0', someValue(random)]] : [])
    case 1: return random.chance(0.5) ? Y.Array.from([someValue(random), 1]) : new Y.Array()
    default: return new Y.Text(someText(random))
  }
}

const editMap = (random, map) => {
  const key = 'k' + random.below(4)
  switch (random.below(8)) {
    case 0: return map.delete(key)
    case 1: case 2: return map.set(key, someType(random))
    case 3: return map.set(key, random.chance(0.3) ? new Uint8Array([1, 2, random.below(256)]) : random.chance(0.1) ? new Y.Doc({ guid: 'doc-' + random.below(1000), meta: { a: 1 } }) : someValue(random))
    default: return map.set(key, someValue(random))
  }
}

const editArray = (random, list) => {
  const index = random.below(list.length + 1)
  switch (random.below(7)) {
    case 0: case 1: return list.delete(index, random.below(list.length - index + 1))
    case 2: return list.insert(index, [someType(random)])
    case 3: return list.insert(index, [new Uint8Array([random.below(256)]), someValue(random)])
    default: return list.insert(index, Array.from({ length: 1 + random.below(3) }, () => someValue(random)))
  }
}

const someFormat = random => random.pick([
  { b: true }, { b: null }, { i: true }, { i: null, b: true }, { link: { href: 'https://example.org/é' } }, { link: null }])

/** yjs splits a pair for a format that then changes nothing, and its peers stay different: formats
 * keep to whole characters. */
const wholeCharacter = (text, index) => {
  const units = text.toDelta().map(op => typeof op.insert === 'string' ? op.insert : ' ').join('')
  const code = units.charCodeAt(index)
  return code >= 0xdc00 && code <= 0xdfff ? index - 1 : index
}

const formatText = (random, text) => {
  if (text.length === 0) return
  const from = wholeCharacter(text, random.below(text.length))
  const to = wholeCharacter(text, from + 1 + random.below(text.length - from))
  if (to > from) text.format(from, to - from, someFormat(random))
}

const editText = (random, text) => {
  const index = random.below(text.length + 1)
  const rest = text.length - index
  switch (random.below(14)) {
    case 0: case 1: case 2: return text.delete(index, Math.min(rest, random.below(8)))
    case 3: case 4: return formatText(random, text)
    case 5: return text.insert(index, someText(random), someFormat(random))
    case 6: return text.insertEmbed(index, { image: someText(random) })
    case 7: return random.chance(0.5) && text.applyDelta([{ retain: index }, { insert: someText(random) }])
    case 8: return random.chance(0.3) && text.setAttribute('k' + random.below(2), someValue(random))
    default: return text.insert(index, someText(random))
  }
}

const editXml = (random, node) => {
  if (node instanceof Y.XmlText) return editText(random, node)
  const index = random.below(node.length + 1)
  switch (random.below(6)) {
    case 0: return node.delete(index, Math.min(node.length - index, random.below(3)))
    case 1: return node instanceof Y.XmlElement && node.setAttribute(random.pick(['class', 'id']), someText(random))
    case 2: return node instanceof Y.XmlElement && node.removeAttribute('class')
    case 3: return node.insert(index, [new Y.XmlText(someText(random))])
    case 4: return random.chance(0.2) && node.insert(index, [new Y.XmlHook('hook')])
    default: return node.insert(index, [new Y.XmlElement(random.pick(['P', 'div', 'é']))])
  }
}

const childrenOf = type => {
  if (type instanceof Y.XmlText || type instanceof Y.Text) return []
  if (type instanceof Y.Map) return [...type.keys()].sort().map(key => type.get(key))
  return type.toArray()
}

export const rootsOf = doc => [doc.getMap('map'), doc.getArray('list'), doc.getText('text'), doc.getXmlFragment('xml')]

const allTypes = doc => {
  const types = rootsOf(doc)
  for (let i = 0; i < types.length && i < 60; i++) types.push(...childrenOf(types[i]).filter(child => child instanceof Y.AbstractType))
  return types
}

/** The order of the test host: breadth first through maps and arrays only. */
export const textsOf = doc => {
  const types = rootsOf(doc)
  for (let i = 0; i < types.length; i++) {
    const type = types[i]
    if ((type instanceof Y.Map && !(type instanceof Y.XmlHook)) || type instanceof Y.Array) types.push(...childrenOf(type).filter(child => child instanceof Y.AbstractType))
  }
  return types.slice(0, 200).filter(type => type instanceof Y.Text && !(type instanceof Y.XmlText))
}

export const edit = (random, doc) => {
  const type = random.chance(0.4) ? doc.getText('text') : random.pick(allTypes(doc))
  if (type instanceof Y.XmlHook || type instanceof Y.Map) return editMap(random, type)
  if (type instanceof Y.Array) return editArray(random, type)
  if (type instanceof Y.XmlText || type instanceof Y.XmlFragment) return editXml(random, type)
  return editText(random, type)
}

/** What JSON makes of a value, with the test host's answer for bytes and documents. */
export const plain = value => {
  if (value === undefined || value === null) return null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Y.Doc) return { guid: value.guid }
  if (value instanceof Y.AbstractType) return plain(value.toJSON())
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]))
  if (typeof value === 'string') return Buffer.from(value, 'utf8').toString('utf8')
  return Object.is(value, -0) ? 0 : value
}

export const jsonOf = doc => plain({ map: doc.getMap('map').toJSON(), list: doc.getArray('list').toJSON(), text: doc.getText('text').toJSON(), xml: doc.getXmlFragment('xml').toJSON() })
export const deltasOf = doc => textsOf(doc).map(text => plain(text.toDelta()))
