import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pageLanguages, placeholdersOf } from '../../contract/pages-file.ts'
import en from './messages/en.json' with { type: 'json' }
import { languages, type MessageKey, translator } from './messages.ts'

const keys = Object.keys(en) as MessageKey[] // keys has the type string[]

test('every file of messages is a language that pages offer', async () => {
  const files = await readdir(join(import.meta.dirname, 'messages'))
  expect(files.sort()).toEqual(pageLanguages.map((tag) => `${tag}.json`).sort())
})

test.each(pageLanguages)('%s has the texts of English, in the same order, with the same placeholders', (tag) => {
  const messages: Readonly<Record<string, string>> = languages[tag].messages
  expect(Object.keys(messages)).toEqual([...keys].sort())
  for (const key of keys) {
    expect(placeholdersOf(messages[key] ?? ''), key).toEqual(placeholdersOf(en[key]))
    expect(messages[key]?.trim(), key).toBe(messages[key])
    expect(messages[key], key).not.toBe('')
  }
})

test('values take the places of their names, and text with braces in a value stays as it is', () => {
  const t = translator('en')
  expect(t('consent.apiScopes', { api: '{scopes}', scopes: 'read' })).toBe('use {scopes}: read')
  expect(t('login.intro')).toBe('to continue to {client}')
  expect(t('login.intro', JSON.parse('{"__proto__":{"client":"x"}}'))).toBe('to continue to {client}')
})

test('a name cannot change the direction of the sentence around it', () => {
  const t = translator('en')
  expect(t('login.intro', { client: '\u202eShop\u202c' })).toBe('to continue to Shop')
  expect(t('login.intro', { client: 'متجر' })).toBe('to continue to \u2068متجر\u2069')
})

test('a text of the operator takes the place of that of the language', () => {
  const t = translator('de', { 'login.title': 'Willkommen' })
  expect(t('login.title')).toBe('Willkommen')
  expect(t('login.submit')).toBe('Anmelden')
})
