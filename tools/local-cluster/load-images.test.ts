import { expect, test } from 'vitest'
import { canonicalName } from './load-images.ts'

test.each([
  ['redis:8.0', 'docker.io/library/redis:8.0'],
  ['kindest/node:v1', 'docker.io/kindest/node:v1'],
  ['ghcr.io/authservice-operator/operator:0.1.0', 'ghcr.io/authservice-operator/operator:0.1.0'],
  ['localhost:5000/x:1', 'localhost:5000/x:1'],
])('containerd names %s %s', (reference, name) => {
  expect(canonicalName(reference)).toBe(name)
})
