import { expect, test } from 'vitest'
import { type AskedLanguages, negotiateLanguage } from './negotiate.ts'

const offered = ['en', 'de', 'fr', 'ja'] as const

test.each<[string, AskedLanguages, string]>([
  ['nothing', {}, 'en'],
  ['the header', { acceptLanguage: 'fr-CA,fr;q=0.9,en;q=0.8' }, 'fr'],
  ['weights in another order', { acceptLanguage: 'en;q=0.5, de-AT;q=0.7, zh' }, 'de'],
  ['a refused language', { acceptLanguage: 'de;q=0, ja;q=0.1' }, 'ja'],
  ['any language', { acceptLanguage: '*' }, 'en'],
  ['a weight that is no number', { acceptLanguage: 'de;q=high, ja' }, 'ja'],
  ['capital letters', { acceptLanguage: 'DE-de' }, 'de'],
  ['the application before the browser', { uiLocales: 'zh-Hant ja-JP fr', acceptLanguage: 'de' }, 'ja'],
  ['the user before the application', { choice: 'de', uiLocales: 'fr', acceptLanguage: 'ja' }, 'de'],
  ['a choice that is not offered', { choice: 'tlh', uiLocales: 'fr' }, 'fr'],
  ['text of any kind', { choice: '-', uiLocales: '-- ; ,', acceptLanguage: ';;,q=1,=' }, 'en'],
  ['very long text', { acceptLanguage: `${'x-'.repeat(8_000)},de` }, 'en'],
])('%s', (_what, asked, expected) => {
  expect(negotiateLanguage(asked, offered)).toBe(expected)
})
