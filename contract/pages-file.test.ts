import { expect, test } from 'vitest'
import { contrastOf, maxLogoCharacters, type PagesFile, pageBackgrounds, parsePagesFile } from './pages-file.ts'

const placeholders = new Map([
  ['login.title', []],
  ['login.intro', ['client']],
])
const parse = (file: unknown) => parsePagesFile(typeof file === 'string' ? file : JSON.stringify(file), placeholders)

const png = 'data:image/png;base64,iVBORw0KGgo='
const whole: PagesFile = {
  name: 'Acme',
  logo: { light: png, dark: png },
  colors: { light: '#0F766E', dark: '#5eead4' },
  links: { privacy: 'https://example.com/privacy', help: 'mailto:help@example.com' },
  languages: ['de', 'en'],
  texts: { de: { 'login.intro': 'Weiter zu {client}' }, en: { 'login.title': 'Welcome' } },
}

test.each([
  ['nothing', {}],
  ['every part', whole],
])('a file with %s is valid', (_what, file) => {
  expect(parse(file)).toEqual({ kind: 'valid', file })
})

test.each<[string, unknown, RegExp]>([
  ['no JSON', '{', /not JSON/],
  ['a list', [], /the whole/],
  ['an unknown part', { favicon: 'x' }, /additional/],
  ['a logo that is loaded from elsewhere', { logo: { light: 'https://example.com/logo.png' } }, /\/logo\/light/],
  ['a logo that is no image', { logo: { light: 'data:text/html;base64,PHA+' } }, /\/logo\/light/],
  ['a logo of more than 16 KiB', { logo: { light: `${png.slice(0, -1)}${'A'.repeat(maxLogoCharacters)}` } }, /\/logo/],
  ['a link that is a script', { links: { help: 'javascript:alert(1)' } }, /\/links\/help/],
  ['a link without TLS', { links: { help: 'http://example.com' } }, /\/links\/help/],
  ['a colour by name', { colors: { light: 'red' } }, /\/colors\/light/],
  ['a colour with CSS', { colors: { light: '#000000;}' } }, /\/colors\/light/],
  ['a pale colour', { colors: { light: '#5eead4' } }, /\/colors\/light: #5eead4 is hard to read.*a darker colour/],
  [
    'a dark colour on dark',
    { colors: { dark: '#0f766e' } },
    /\/colors\/dark: #0f766e is hard to read.*a lighter colour/,
  ],
  ['a language that pages do not have', { languages: ['tlh'] }, /\/languages\/0/],
  ['a language twice', { languages: ['de', 'de'] }, /\/languages/],
  ['no language', { languages: [] }, /\/languages/],
  ['texts of an unknown language', { texts: { tlh: {} } }, /\/texts/],
  [
    'a text that pages do not have',
    { texts: { en: { 'login.titel': 'x' } } },
    /\/texts\/en\/login.titel: the pages have no/,
  ],
  ['an unknown placeholder', { texts: { en: { 'login.intro': '{app}' } } }, /no placeholder {app}, only {client}/],
  ['a placeholder too many', { texts: { en: { 'login.title': '{client}' } } }, /no placeholder {client}, none/],
  ['an empty text', { texts: { en: { 'login.title': '' } } }, /\/texts\/en/],
  ['the key __proto__', '{"texts":{"en":{"__proto__":"x"}}}', /\/texts\/en/],
])('a file with %s is refused with a sentence', (_what, file, sentence) => {
  const parsed = parse(file)
  expect(parsed.kind).toBe('corrupt')
  expect(parsed.kind === 'corrupt' && parsed.problems.join('; ')).toMatch(sentence)
})

test('the contrast of two colours is that of WCAG', () => {
  expect(contrastOf('#000000', '#ffffff')).toBeCloseTo(21)
  expect(contrastOf('#767676', '#ffffff')).toBeCloseTo(4.54, 2)
  expect(contrastOf(pageBackgrounds.dark.card, pageBackgrounds.dark.card)).toBe(1)
})
