import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { architectures, pullBaseImage } from '../../scripts/release/image/base-image.ts'
import { layerFrom } from '../../scripts/release/image/layer.ts'
import { crane } from '../../scripts/release/registry.ts'
import { keySigner } from '../../scripts/release/signer.ts'
import { projectVersion, root } from '../../scripts/release/version.ts'
import { attestation, released, verify } from './verification.ts'

const version = await projectVersion()
const { stdout: revision } = await execa('git', ['rev-parse', 'HEAD'], { cwd: root })

/** An index or a manifest, as far as tests read it. */
interface Manifest {
  mediaType: string
  manifests?: { platform: { os: string; architecture: string } }[]
  annotations: Record<string, string>
}

test('a dry run makes both images', () => {
  expect(released.images.map(({ name }) => name)).toEqual(['operator', 'api-server'])
})

describe.each(released.images)('the image $name', ({ name, digest, manifests }) => {
  const repository = `${released.registry}/${name}`
  const reference = `${repository}@${digest}`

  test('is one index of both platforms, under the tag of the version', async () => {
    expect(await crane('digest', `${repository}:${version}`)).toBe(digest)
    const index: Manifest = JSON.parse(await crane('manifest', reference))
    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json')
    expect(index.manifests?.map(({ platform }) => platform)).toEqual(
      architectures.map((architecture) => ({ os: 'linux', architecture })),
    )
  })

  test('says where it comes from, on the index and on each manifest', async () => {
    for (const digestOf of [digest, ...Object.values(manifests)]) {
      const { annotations }: Manifest = JSON.parse(await crane('manifest', `${repository}@${digestOf}`))
      expect(annotations).toMatchObject({
        'org.opencontainers.image.title': expect.stringContaining('authservice'),
        'org.opencontainers.image.description': expect.any(String),
        'org.opencontainers.image.source': 'https://github.com/authservice-operator/authservice-operator',
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.revision': revision,
        'org.opencontainers.image.created': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      })
    }
  })

  test.each(architectures)(
    'for %s has the program, and Node and native code of that architecture',
    async (architecture) => {
      const folder = await mkdtemp(join(tmpdir(), 'release-image-'))
      try {
        const platform = `${repository}@${manifests[architecture]}`
        const config = JSON.parse(await crane('config', platform))
        expect(config).toMatchObject({ os: 'linux', architecture, config: { User: '65532:65532', WorkingDir: '/app' } })
        const files = ['app', 'usr/local/bin/node']
        const archive = join(folder, 'image.tar')
        await crane('export', platform, archive)
        await execa('tar', ['--extract', '--file', archive, '--directory', folder, ...files])
        expect(await readdir(join(folder, 'app'))).toContain(config.config.Cmd[1])
        expect(await machineOf(join(folder, 'usr/local/bin/node'))).toBe(architecture)
        if (name === 'api-server') {
          const prebuilds = join(folder, 'app/node_modules/bcrypt/prebuilds')
          const [platformName = ''] = await readdir(prebuilds)
          expect(await machineOf(join(prebuilds, platformName, 'bcrypt.glibc.node'))).toBe(architecture)
        }
      } finally {
        await rm(folder, { recursive: true })
      }
    },
  )

  test.each(architectures)('can be the base of another one for %s', async (architecture) => {
    const folder = await mkdtemp(join(tmpdir(), 'release-base-'))
    try {
      const base = await pullBaseImage(folder, architecture, reference)
      expect(base).toMatchObject({ name: reference, digest: manifests[architecture], config: { architecture } })
      const layers = await Promise.all(base.layers.map(({ file }) => layerFrom(file)))
      expect(layers).toEqual(base.layers)
      expect(layers).toHaveLength(3)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('verifies with the key of the release, as do its manifests, and with no other key', async () => {
    for (const each of [digest, ...Object.values(manifests)]) {
      const { ok, stderr } = await verify(['verify', `${repository}@${each}`])
      expect(ok, stderr).toBe(true)
    }
    const other = await keySigner()
    try {
      const { ok, stderr } = await verify(['verify', reference], other.publicKey)
      expect(ok).toBe(false)
      expect(stderr).toContain('failed to verify signature')
    } finally {
      await other.close()
    }
  })

  test.each(architectures)('has an SBOM for %s that names the packages inside of the bundle', async (architecture) => {
    const expected = name === 'operator' ? ['@kubernetes/client-node', 'pino'] : ['fastify', 'mongodb', 'bcrypt']
    const platform = manifests[architecture] ?? ''
    const { subject, predicateType, predicate } = await attestation(`${repository}@${platform}`, 'spdxjson')
    expect(predicateType).toBe('https://spdx.dev/Document')
    expect(subject[0]?.digest.sha256).toBe(platform.replace('sha256:', ''))
    expect(predicate.spdxVersion).toBe('SPDX-2.3')
    const packages = predicate.packages?.map((found) => found.name)
    expect(packages).toEqual(expect.arrayContaining([...expected, 'node']))
    const file = await readFile(join(released.output, `${name}-linux-${architecture}.spdx.json`), 'utf8')
    expect(JSON.parse(file).packages.map((found: { name: string }) => found.name)).toEqual(packages)
  })

  test('has a signed provenance that names the commit', async () => {
    const { predicateType, predicate } = await attestation(reference, 'slsaprovenance1')
    expect(predicateType).toBe('https://slsa.dev/provenance/v1')
    expect(predicate.buildDefinition).toMatchObject({
      externalParameters: { version },
      resolvedDependencies: expect.arrayContaining([
        { uri: expect.stringContaining('git+https://github.com/'), digest: { gitCommit: revision } },
      ]),
    })
  })
})

/** The architecture of an ELF file, by the number in its header. */
async function machineOf(file: string): Promise<string | undefined> {
  const header = (await readFile(file)).subarray(0, 20)
  return { 62: 'amd64', 183: 'arm64' }[header.readUInt16LE(18)]
}
