import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { olderMinors } from '../../tools/programs/kube-apiserver.ts'
import { minorAndFilters } from './kubernetes-options.ts'

test('selects a minor version, and all tests of the operator unless some are named', () => {
  expect(minorAndFilters(['--minor', '1.34'], ['1.33', '1.34'])).toEqual({
    minor: '1.34',
    tests: expect.arrayContaining(['test/integration/operator/']),
  })
  expect(minorAndFilters(['--minor', '1.34', 'rollouts'], ['1.34']).tests).toEqual(['rollouts'])
})

test.each([[['--minor', '1.20']], [[]]])('says which minor versions there are: %j', (commandLine) => {
  expect(() => minorAndFilters(commandLine, ['1.33', '1.34'])).toThrow('1.33, 1.34')
})

test('every minor version that can be tested is tested each night, and is on the page of supported versions', () => {
  const root = resolve(import.meta.dirname, '../..')
  const nightly = parse(readFileSync(resolve(root, '.github/workflows/nightly.yml'), 'utf8'))
  expect(nightly.jobs.kubernetes.strategy.matrix.minor).toEqual(olderMinors)
  const page = readFileSync(resolve(root, 'docs/support.md'), 'utf8')
  for (const minor of olderMinors) expect(page).toContain(`${minor} (${minor}.`)
})
