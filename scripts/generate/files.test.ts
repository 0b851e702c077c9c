import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generatedFiles } from './files.ts'

const root = resolve(import.meta.dirname, '../..')

describe('generated files', () => {
  test.each(Object.entries(generatedFiles()))(
    '%s is what the schema says; if not, run npm run generate',
    async (path, content) => {
      expect(await readFile(join(root, path), 'utf8')).toBe(content)
    },
  )
})
