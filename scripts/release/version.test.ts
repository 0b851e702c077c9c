import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { assertVersion, projectVersion, root, setVersion, writtenVersions } from './version.ts'

const files = async () => [...new Set((await writtenVersions()).map(({ file }) => file))]

test('every place has the version of package.json', async () => {
  const expected = await projectVersion()
  const written = await writtenVersions()
  expect(await files()).toEqual(
    expect.arrayContaining([
      'package-lock.json',
      'contract/package.json',
      'operator/package.json',
      'api-server/package.json',
      'cli/package.json',
      'docs/server/client/package.json',
      'Dockerfile.api',
      'Dockerfile.operator',
      'manifests/base/kustomization.yaml',
      'manifests/base/deployment.yaml',
      'charts/authservice-operator/Chart.yaml',
      'charts/authservice-operator-crds/Chart.yaml',
      'docs/install.md',
      'docs/operate.md',
      'docs/plugin.md',
      'docs/release.md',
    ]),
  )
  expect(written.filter(({ version }) => version !== expected)).toEqual([])
})

test('a new version arrives in every place and nowhere else', async () => {
  const copy = await mkdtemp(join(tmpdir(), 'authservice-version-'))
  try {
    for (const file of ['package.json', ...(await files())]) await cp(join(root, file), join(copy, file))
    await setVersion('9.8.7-rc.1', copy)
    expect(await projectVersion(copy)).toBe('9.8.7-rc.1')
    const written = await writtenVersions(copy)
    expect(written).toHaveLength((await writtenVersions()).length)
    expect(written.filter(({ version }) => version !== '9.8.7-rc.1')).toEqual([])
  } finally {
    await rm(copy, { recursive: true })
  }
})

test.each(['1.2', 'v1.2.3', '1.2.3+build', '01.2.3', ''])('"%s" is refused as a version', (version) => {
  expect(() => assertVersion(version)).toThrow('is not a version')
})
