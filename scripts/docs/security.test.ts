import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { beforeAll, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** The sections of OWASP ASVS 5.0.0, chapters 6, 7, 9 and 10, with the numbers of the items of levels 1 and 2. */
const sections: Readonly<Record<string, readonly string[]>> = {
  '6.1': ['1', '2', '3'],
  '6.2': ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'],
  '6.3': ['1', '2', '3', '4'],
  '6.4': ['1', '2', '3', '4'],
  '6.5': ['1', '2', '3', '4', '5'],
  '6.6': ['1', '2', '3'],
  '6.8': ['1', '2', '3', '4'],
  '7.1': ['1', '2', '3'],
  '7.2': ['1', '2', '3', '4'],
  '7.3': ['1', '2'],
  '7.4': ['1', '2', '3', '4', '5'],
  '7.5': ['1', '2'],
  '7.6': ['1', '2'],
  '9.1': ['1', '2', '3'],
  '9.2': ['1', '2', '3', '4'],
  '10.1': ['1', '2'],
  '10.2': ['1', '2'],
  '10.3': ['1', '2', '3', '4'],
  '10.4': ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11'],
  '10.5': ['1', '2', '3', '4', '5'],
  '10.6': ['1', '2'],
  '10.7': ['1', '2', '3'],
}

interface Item {
  id: string
  state: string
  how: string
  shownBy: string
}

let page: string
let items: Item[]

beforeAll(async () => {
  page = await readFile(join(root, 'docs/security.md'), 'utf8')
  const rows = page.matchAll(/^\| (\d+\.\d+\.\d+) \| ([^|]*) \| (.*) \| ([^|]*) \|$/gm)
  items = [...rows].map(([, id = '', state = '', how = '', shownBy = '']) => ({ id, state, how, shownBy }))
})

test('every item of levels 1 and 2 appears once, in the order of the standard', () => {
  const expected = Object.entries(sections).flatMap(([section, numbers]) =>
    numbers.map((number) => `${section}.${number}`),
  )
  expect(items.map(({ id }) => id)).toEqual(expected)
})

test('each has a state and an explanation; an item that is met names a test or the required page', () => {
  const states = new Set(['met', 'partly', 'not met', 'does not apply'])
  const unclear = items.filter(({ state, how }) => !states.has(state) || how.trim() === '')
  expect(unclear).toEqual([])
  // Items that require documentation link to it; some require that something does not exist.
  const absent = new Set(['6.1.3', '6.2.10', '7.1.2'])
  const unshown = items.filter(
    ({ id, state, how, shownBy }) => state === 'met' && shownBy.trim() === '' && !how.includes('](') && !absent.has(id),
  )
  expect(unshown.map(({ id }) => id)).toEqual([])
})

test('every test that the page names exists', async () => {
  const missing: string[] = []
  let named = 0
  for (const [, path = '', names = ''] of page.matchAll(/\]\(\.\.\/([^)]+\.test\.ts)\) ((?:“[^”]+”(?:, )?)+)/g)) {
    const text = (await sourcesOf(path)).replaceAll("\\'", "'")
    for (const [, name = ''] of names.matchAll(/“([^”]+)”/g)) {
      named++
      if (!text.includes(name)) missing.push(`${path}: ${name}`)
    }
  }
  expect(named).toBeGreaterThan(60)
  expect(missing).toEqual([])
})

function sourcesOf(path: string): Promise<string> {
  return readFile(join(root, path), 'utf8')
}
