import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../version.ts'
import { dockerfiles, type ImageName } from './build-images.ts'
import { copiesOf, readDockerfile } from './dockerfile.ts'

const textOf = (file: string) => readFileSync(join(root, file), 'utf8')

describe.each(Object.entries(dockerfiles) as [ImageName, string][])('the Dockerfile of %s', (name, file) => {
  test('describes an image that runs as a user without rights', () => {
    const recipe = readDockerfile(textOf(file), { VERSION: '1.2.3', REVISION: 'abc' })
    expect(recipe).toMatchObject({
      user: '65532:65532',
      workdir: '/app',
      env: expect.arrayContaining(['NODE_ENV=production']),
      ports: expect.arrayContaining(['8080/tcp']),
      cmd: ['node', name === 'operator' ? 'main.js' : 'server.js'],
      removed: expect.arrayContaining(['/usr/local/lib/node_modules', '/usr/local/bin/npm', '/opt/yarn*']),
      labels: {
        'org.opencontainers.image.title': expect.stringContaining('authservice'),
        'org.opencontainers.image.description': expect.any(String),
        'org.opencontainers.image.source': expect.stringContaining('https://github.com/'),
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'org.opencontainers.image.version': '1.2.3',
        'org.opencontainers.image.revision': 'abc',
      },
    })
  })

  test('copies the files that a release puts into the image', () => {
    expect(copiesOf(textOf(file))).toEqual({ LICENSE: './', [`/src/${name}/dist/`]: './' })
  })
})

test('only the auth server has a health check of its own', () => {
  expect(readDockerfile(textOf('Dockerfile.operator')).healthcheck).toBeUndefined()
  expect(readDockerfile(textOf('Dockerfile.api')).healthcheck).toEqual({
    Test: ['CMD', 'node', '-e', expect.stringContaining('/readyz')],
    Interval: 10e9,
    Timeout: 3e9,
    StartPeriod: 10e9,
  })
})

test.each([
  ['FROM a\nRUN apt-get update', 'knows only RUN rm -rf'],
  ['FROM a\nVOLUME /data', 'does not know VOLUME'],
])('an instruction that a release cannot follow is refused: %j', (text, message) => {
  expect(() => readDockerfile(text)).toThrow(message)
})
