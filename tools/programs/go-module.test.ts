import { expect, test } from 'vitest'
import { parseGoModule, readGoModule } from './go-module.ts'
import { isAtLeast } from './go-toolchain.ts'
import { linkerFlags } from './go-tools.ts'

const text = `module example.com/test

go 1.26.4

replace k8s.io/api => k8s.io/api v0.36.3

require github.com/coredns/coredns v1.14.2

require (
	k8s.io/api v0.0.0 // indirect
	k8s.io/kubernetes v1.36.3 // indirect
)
`

test('versions are read from single and grouped requirements', () => {
  const module = parseGoModule(text)
  expect(module.goVersion).toBe('1.26.4')
  expect(module.versionOf('github.com/coredns/coredns')).toBe('v1.14.2')
  expect(module.versionOf('k8s.io/kubernetes')).toBe('v1.36.3')
  expect(() => module.versionOf('k8s.io/missing')).toThrow('go.mod does not require k8s.io/missing')
})

test('Kubernetes is linked with its own version', async () => {
  expect(linkerFlags(parseGoModule(text))).toContain('-X k8s.io/component-base/version.gitVersion=v1.36.3')
  expect(linkerFlags(parseGoModule(text))).toContain('-X k8s.io/component-base/version.gitMinor=36')
  expect((await readGoModule()).versionOf('k8s.io/kubernetes')).toMatch(/^v1\.\d+\.\d+$/)
})

test.each([
  ['1.26.4', '1.26.4', true],
  ['1.27rc1', '1.26.4', true],
  ['1.26', '1.26.4', false],
  ['1.9.7', '1.26.4', false],
])('Go %s is at least %s: %s', (version, wanted, expected) => {
  expect(isAtLeast(version, wanted)).toBe(expected)
})
