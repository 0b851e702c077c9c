import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { conditionTypes } from './condition.ts'
import { reasons } from './reasons.ts'

const page = await readFile(join(resolve(import.meta.dirname, '../../..'), 'docs/troubleshooting.md'), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()))

describe('docs/troubleshooting.md', () => {
  test.each(Object.keys(reasons))('says what to do about the reason %s', (reason) => {
    const row = rows.find(([, first]) => first === `\`${reason}\``)
    expect(row, `a table row that begins with \`${reason}\``).toBeDefined()
    expect(row?.slice(2, 4).every((cell) => cell !== '')).toBe(true)
  })

  test.each(conditionTypes)('explains the condition %s', (type) => {
    expect(rows.some(([, first]) => first === `\`${type}\``)).toBe(true)
  })

  test('contains no reason that the operator does not have', () => {
    const section = page.slice(page.indexOf('## Reasons'), page.indexOf('## Events'))
    const documented = [...section.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map(([, reason]) => reason)
    expect(documented.filter((reason) => reason !== undefined && !(reason in reasons))).toEqual([])
  })
})
