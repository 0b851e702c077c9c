import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ordinary, portCarriers } from './real-time.ts'

const module = new URL('./real-time.ts', import.meta.url).href
/** In a process of its own, which alone is changed. Field 41 of the file is the policy: 0 ordinary, 1 first in first out. */
const script = `
  import { execFileSync } from 'node:child_process'
  import { readFileSync } from 'node:fs'
  import { ordinary, takeRealTime } from '${module}'
  const policyIn = (text) => Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[38])
  const refused = takeRealTime()
  const mine = policyIn(readFileSync('/proc/self/stat', 'utf8'))
  const [command, ...options] = ordinary(['cat', '/proc/self/stat'])
  const ofChild = policyIn(execFileSync(command, options, { encoding: 'utf8' }))
  console.log(JSON.stringify({ refused, mine, ofChild }))
`

test('a process that measures runs before others, what it starts as ordinary does not, and a system that refuses says why', () => {
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
  const { refused, mine, ofChild } = JSON.parse(said)
  expect({ mine, ofChild }).toEqual({ mine: refused === undefined ? 1 : 0, ofChild: 0 })
  if (refused !== undefined) expect(refused).not.toBe('')
})

test('the process that carries a port is known by what it was started with', () => {
  const processes = mkdtempSync(join(tmpdir(), 'processes-'))
  onTestFinished(() => rmSync(processes, { recursive: true }))
  const carrier = (port: number) => ['/usr/sbin/docker-proxy', '-proto', 'tcp', '-host-port', String(port), '']
  const commands: Record<string, string[]> = {
    1: ['init', ''],
    // One of the kernel has none.
    2: [''],
    17: carrier(8443),
    18: carrier(6443),
    19: ['grep', 'docker-proxy', '-host-port', '8443', ''],
    self: carrier(8443),
  }
  for (const [pid, command] of Object.entries(commands)) {
    mkdirSync(join(processes, pid))
    writeFileSync(join(processes, pid, 'cmdline'), command.join('\0'))
  }
  mkdirSync(join(processes, '20')) // it has just ended
  expect(portCarriers(8443, processes)).toEqual([17])
})

test('what an ordinary process starts needs no wrapper', () => {
  expect(ordinary(['kubectl', 'version'])).toEqual(['kubectl', 'version'])
})
