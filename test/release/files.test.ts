import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { chartNames, pushChart } from '../../scripts/release/charts.ts'
import { installFiles } from '../../scripts/release/install-files.ts'
import { hasDigest, imagesOf } from '../../scripts/release/pinned-images.ts'
import { crane, publishedRegistry } from '../../scripts/release/registry.ts'
import { projectVersion } from '../../scripts/release/version.ts'
import { checker } from '../../tools/checkers/go-checkers.ts'
import { helm } from '../../tools/checkers/helm.ts'
import { schemaLocation, writeKubernetesSchemas } from '../../tools/checkers/kubernetes-schemas.ts'
import { released, verify } from './verification.ts'

const version = await projectVersion()
const fileOf = (name: string) => join(released.output, name)

interface KubernetesObject {
  apiVersion: string
  kind: string
}

const objectsOf = (text: string): KubernetesObject[] =>
  parseAllDocuments(text)
    .map((document): KubernetesObject | null => document.toJS())
    .filter((object) => object !== null)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'release-files-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** The image of this version with its digest, as users name it. */
function ownImage(name: string): string {
  const digest = released.images.find((image) => image.name === name)?.digest
  return `${publishedRegistry}/${name}:${version}@${digest}`
}

describe.each(Object.keys(installFiles))('%s', (name) => {
  test('names every image by digest, and the two of this version by the digests of this release', async () => {
    const images = imagesOf(objectsOf(await readFile(fileOf(name), 'utf8')))
    expect(images.length).toBeGreaterThan(4)
    expect(images.filter((image) => !hasDigest(image))).toEqual([])
    expect(images).toEqual(expect.arrayContaining([ownImage('operator'), ownImage('api-server')]))
  })

  test('has only fields that Kubernetes knows', async () => {
    const text = await readFile(fileOf(name), 'utf8')
    expect(await kubeconform(text)).toMatch(/Valid: \d\d+, Invalid: 0, Errors: 0, Skipped: 0/)
    const wrong = text.replace('enableServiceLinks:', 'enabledServiceLinks:')
    expect(await kubeconform(wrong)).toMatch(/'enabledServiceLinks' not allowed[\s\S]*Invalid: 1/)
  })
})

async function kubeconform(text: string): Promise<string> {
  await writeKubernetesSchemas(folder, objectsOf(text))
  const options = ['-strict', '-summary', '-schema-location', join(folder, schemaLocation), '-']
  return (await execa(await checker('kubeconform'), options, { input: text, reject: false })).stdout
}

describe('the files', () => {
  test('have their checksums in one file, whose signature verifies', async () => {
    await execa('sha256sum', ['--check', '--strict', 'checksums.txt'], { cwd: released.output })
    const sums = await readFile(fileOf('checksums.txt'), 'utf8')
    const listed = sums
      .trim()
      .split('\n')
      .map((line) => line.split('  ')[1])
    expect(released.files.filter((file) => !file.startsWith('checksums.txt'))).toEqual(listed)
    const bundle = ['--bundle', fileOf('checksums.txt.sigstore.json')]
    expect(await verify(['verify-blob', ...bundle, fileOf('checksums.txt')])).toMatchObject({ ok: true })
    const changed = join(folder, 'changed.txt')
    await writeFile(
      changed,
      sums.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    )
    expect(await verify(['verify-blob', ...bundle, changed])).toMatchObject({ ok: false })
  })

  test('contain the TypeScript client as npm publishes it', () => {
    expect(released.files.filter((file) => file.endsWith('.tgz') && file.includes('client'))).toEqual([
      `authservice-operator-client-${version}.tgz`,
    ])
  })

  test('contain the plug-in, and a krew manifest with the digest of each archive', async () => {
    const sums = await readFile(fileOf('checksums.txt'), 'utf8')
    const { spec } = parse(await readFile(fileOf('authservice.yaml'), 'utf8'))
    expect(spec.platforms.length).toBeGreaterThan(0)
    for (const { uri, sha256 } of spec.platforms) expect(sums).toContain(`${sha256}  ${uri.split('/').at(-1)}\n`)
  })

  test('contain what the changelog says of this version', async () => {
    expect(await readFile(fileOf('release-notes.md'), 'utf8')).toMatch(/### (Added|Changed|Fixed)/)
  })
})

describe.each(chartNames)('the chart %s', (name) => {
  const reference = `${released.registry}/charts/${name}`
  const digest = released.charts.find((chart) => chart.name === name)?.digest

  test('comes from the registry as it was released, and its signature verifies', async () => {
    expect(await crane('digest', `${reference}:${version}`)).toBe(digest)
    expect(await verify(['verify', `${reference}@${digest}`])).toMatchObject({ ok: true })
  })

  test('is refused after somebody has replaced it', async () => {
    const other = join(folder, 'tampered')
    await execa('cp', [
      '--recursive',
      '--dereference',
      new URL(`../../charts/${name}`, import.meta.url).pathname,
      other,
    ])
    await execa('sh', ['-c', 'echo "# harmless" >>"$1"/values.yaml', 'sh', other])
    const packaged = await helm(['package', other, '--destination', folder])
    expect(packaged, packaged.stderr).toMatchObject({ ok: true })
    const elsewhere = released.registry.replace('authservice-operator', 'tampered')
    const tampered = await pushChart(join(folder, `${name}-${version}.tgz`), name, elsewhere)
    expect(tampered.digest).not.toBe(digest)
    const verified = await verify(['verify', `${elsewhere}/charts/${name}@${tampered.digest}`])
    expect(verified).toMatchObject({ ok: false, stderr: expect.stringContaining('no signatures found') })
    await rm(other, { recursive: true })
  })
})

test('the chart of the operator, pulled from the registry, renders images by digest', async () => {
  const source = `oci://${released.registry}/charts/authservice-operator`
  const options = ['--version', version, '--plain-http']
  const { ok, stdout, stderr } = await helm(['template', 'authservice-operator', source, ...options])
  expect(ok, stderr).toBe(true)
  const images = imagesOf(objectsOf(stdout))
  expect(images.filter((image) => !hasDigest(image))).toEqual([])
  expect(images.sort()).toEqual(imagesOf(objectsOf(await readFile(fileOf('install.yaml'), 'utf8'))).sort())
})
