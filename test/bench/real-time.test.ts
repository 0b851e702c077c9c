import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const module = new URL('./real-time.ts', import.meta.url).href
/** In a process of its own, which alone is changed. Field 41 of the file is the policy: 0 ordinary, 1 first in first out. */
const script = `
  import { execFileSync } from 'node:child_process'
  import { readFileSync } from 'node:fs'
  import { takeRealTime } from '${module}'
  const policyIn = (text) => Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[38])
  const refused = takeRealTime()
  const mine = policyIn(readFileSync('/proc/self/stat', 'utf8'))
  const ofChild = policyIn(execFileSync('cat', ['/proc/self/stat'], { encoding: 'utf8' }))
  console.log(JSON.stringify({ refused, mine, ofChild }))
`

test('a process that measures runs before others, what it starts does not, and a system that refuses says why', () => {
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
  const { refused, mine, ofChild } = JSON.parse(said)
  expect({ mine, ofChild }).toEqual({ mine: refused === undefined ? 1 : 0, ofChild: 0 })
  if (refused !== undefined) expect(refused).not.toBe('')
})
