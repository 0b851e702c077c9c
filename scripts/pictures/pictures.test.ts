import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { picturedPages } from './sample-pages.ts'

const docs = resolve(import.meta.dirname, '../../docs')

test('docs/pages.md shows a picture of each page once, and each picture is small', () => {
  const text = readFileSync(join(docs, 'pages.md'), 'utf8')
  const shown = [...text.matchAll(/\]\((pictures\/[^)]+)\)/g)].map(([, path = '']) => path).sort()
  const files = readdirSync(join(docs, 'pictures'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.png'))
    .map((file) => `pictures/${file}`)
  expect(shown).toEqual(files.sort())
  expect(shown.filter((path) => path.startsWith('pictures/pages/'))).toEqual(
    picturedPages()
      .map((name) => `pictures/pages/${name}.png`)
      .sort(),
  )
  for (const file of files) expect(statSync(join(docs, file)).size, file).toBeLessThan(40_000)
})
