import { expect, test } from 'vitest'
import { hostsFile } from './node-registry.ts'

test('a node pulls from the named registry only, and pushes nowhere', () => {
  expect(hostsFile('http://10.0.0.1:5000')).toBe(`server = "http://10.0.0.1:5000"

[host."http://10.0.0.1:5000"]
  capabilities = ["pull", "resolve"]
`)
})
