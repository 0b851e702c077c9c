import { expect, test } from 'vitest'
import { parsePagesFile } from '../../contract/pages-file.ts'
import { documentedBlocks } from '../../test/documentation/blocks.ts'
import { brandOf, plainBrand } from './brand.ts'
import { placeholdersOfTexts } from './messages.ts'
import { styleOf } from './style.ts'

test('the file in docs/pages.md is valid', () => {
  const [block] = documentedBlocks().filter(({ page, language }) => page === 'docs/pages.md' && language === 'json')
  expect(parsePagesFile(block?.text ?? '', placeholdersOfTexts)).toMatchObject({ kind: 'valid' })
})

test('the plain colours pass the check of the file', () => {
  const { accent: colors } = plainBrand
  expect(parsePagesFile(JSON.stringify({ colors }), new Map())).toMatchObject({ kind: 'valid' })
})

test('the text of buttons is black on pale colours and white on deep ones', () => {
  const style = styleOf(brandOf({ colors: { light: '#0f766e', dark: '#5eead4' } }))
  expect(style).toContain('--accent:#0f766e;--on-accent:#ffffff')
  expect(style).toContain('--accent:#5eead4;--on-accent:#000000')
})
