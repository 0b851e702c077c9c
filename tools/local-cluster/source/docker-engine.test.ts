import { expect, test } from 'vitest'
import { engineArguments, hasCapability } from './docker-engine.ts'

test('the private engine does not touch another Docker on the machine', () => {
  const options = engineArguments('/run/x/daemon.json', undefined)
  expect(options).toContain('--iptables=false')
  expect(options).toContain('--ip-forward=false')
  expect(options[options.indexOf('--config-file') + 1]).toBe('/run/x/daemon.json')
  expect(options[options.indexOf('--bridge') + 1]).toMatch(/^authsvc-.{7}$/)
  expect(options).not.toContain('--default-runtime')
})

test('a substitute for runc becomes the default runtime', () => {
  const options = engineArguments('/run/x/daemon.json', '/cache/runc-without-sys-resource')
  expect(options).toContain('stripped=/cache/runc-without-sys-resource')
  expect(options[options.indexOf('--default-runtime') + 1]).toBe('stripped')
})

test('capabilities are read from the effective set', () => {
  const status = (effective: string) => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${effective}\n`
  expect(hasCapability(status('000001ffffffffff'), 24)).toBe(true)
  expect(hasCapability(status('000001fffeffffff'), 24)).toBe(false)
  expect(hasCapability('', 24)).toBe(false)
})
