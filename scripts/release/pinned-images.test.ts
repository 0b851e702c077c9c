import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { hasDigest, imagesOf, pinImages } from './pinned-images.ts'

const digest = (digit: string) => `sha256:${digit.repeat(64)}`

const manifest = `kind: Namespace
metadata: { name: system }
---
kind: Deployment
spec:
  template:
    spec:
      containers:
        - image: ghcr.io/example/operator:0.1.0
          env:
            - { name: RELATED_IMAGE_API_SERVER, value: "ghcr.io/example/server:0.1.0" }
            - { name: DEFAULT_IMAGE_HELPER, value: "ghcr.io/example/server:0.1.0-rc.1" }
            - { name: LOG_LEVEL, value: "info" }
`

test('the images of a manifest are those of containers and those that the operator runs', () => {
  expect(imagesOf(parseAllDocuments(manifest).map((document) => document.toJS()))).toEqual([
    'ghcr.io/example/operator:0.1.0',
    'ghcr.io/example/server:0.1.0',
    'ghcr.io/example/server:0.1.0-rc.1',
  ])
})

test('each image gets its own digest, also one whose tag begins like that of another', () => {
  const pinned = pinImages(
    manifest,
    new Map([
      ['ghcr.io/example/operator:0.1.0', digest('a')],
      ['ghcr.io/example/server:0.1.0', digest('b')],
      ['ghcr.io/example/server:0.1.0-rc.1', digest('c')],
    ]),
  )
  const images = imagesOf(parseAllDocuments(pinned).map((document) => document.toJS()))
  expect(images).toEqual([
    `ghcr.io/example/operator:0.1.0@${digest('a')}`,
    `ghcr.io/example/server:0.1.0@${digest('b')}`,
    `ghcr.io/example/server:0.1.0-rc.1@${digest('c')}`,
  ])
  expect(images.every(hasDigest)).toBe(true)
})

test('an image that the text does not have is an error, not an unpinned release', () => {
  expect(() => pinImages(manifest, new Map([['ghcr.io/example/other:0.1.0', digest('a')]]))).toThrow(/does not occur/)
})
