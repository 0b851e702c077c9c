import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generatedFiles } from './files.ts'

const root = resolve(import.meta.dirname, '../..')

const files = Object.entries(await generatedFiles())

describe('generated files', () => {
  test.each(files)('%s is up to date with the schema; if not, run npm run generate', async (path, content) => {
    expect(await readFile(join(root, path), 'utf8')).toBe(content)
  })
})
