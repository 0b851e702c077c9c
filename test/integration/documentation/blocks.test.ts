import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { apiVersion } from '../../../operator/auth-client/api/group.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import type { Operator } from '../../../operator/operator.ts'
import { kubernetesBinaries } from '../../../tools/local-servers/binaries.ts'
import { type Block, commandsOf, documentedBlocks } from '../../documentation/blocks.ts'
import { isAbout, npmScriptsOf, runnerOf, withoutSideEffects } from '../../documentation/how-to-run.ts'
import { notRun } from '../../documentation/not-run.ts'
import { runBlock, type Sandbox } from '../../documentation/run-block.ts'
import { apiClient, namespaces } from '../support/kube-api.ts'
import { authServiceManifest, developmentSpec, Namespace } from '../support/namespace.ts'
import { startOperator } from '../support/operator-under-test.ts'

const root = resolve(import.meta.dirname, '../../..')
const blocks = documentedBlocks()
const shells = blocks.filter(({ language }) => language === 'sh')
const where = ({ page, line }: Block) => `${page}:${line}`

let namespace: Namespace
let operator: Operator
let sandbox: Sandbox

/** The AuthService `accounts` in `team-a` of the pages, as far as an API server without controllers can have it. */
beforeAll(async () => {
  const { kubeconfigPath } = inject('apiServer')
  namespace = await Namespace.create(kubeconfigPath, `documentation-${Date.now()}`)
  // The overlays need these namespaces, which the pages create first.
  for (const name of ['authservice-system', 'team-a']) {
    await apiClient().apply(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  operator = startOperator(kubeconfigPath, namespace)
  const spec = {
    ...developmentSpec,
    autoscaling: { enabled: false },
    replicas: 1,
    ingress: { type: 'Nginx', host: 'auth.localhost' },
    oidc: { enabled: true },
    backup: { schedule: '0 3 * * *', destination: { persistentVolumeClaim: { claimName: 'backups' } } },
  }
  await namespace.apply(authServiceManifest('accounts', spec))
  await namespace.apply({
    apiVersion,
    kind: 'AuthClient',
    metadata: { name: 'shop' },
    spec: { authServiceRef: { name: 'accounts' }, redirectUris: ['https://shop.example.com/callback'] },
  })
  const certificate = issueCertificate(['auth.example.com'], new Date())
  const { kubectl } = await kubernetesBinaries()
  sandbox = {
    kubectl,
    kubeconfigPath,
    root,
    namespace: namespace.name,
    words: {
      NAMESPACE: namespace.name,
      'team-a': namespace.name,
      NAME: 'accounts',
      SECRET: 'accounts-edge-tls',
      // The one of this run is there already.
      'create namespace': 'get namespace',
    },
    files: { 'fullchain.pem': certificate['tls.crt'] ?? '', 'privkey.pem': certificate['tls.key'] ?? '' },
  }
})
afterAll(() => operator.stop())

describe('every command of README, docs and runbooks', () => {
  test('is run by a test, or is listed with a reason', () => {
    expect(shells.length).toBeGreaterThan(60)
    const unknown = shells
      .filter((block) => runnerOf(block) === 'unknown')
      .map((block) => `${where(block)} ${block.text}`)
    expect(
      unknown,
      'add them to test/documentation/not-run.ts with a reason, or write them so that kubectl runs them',
    ).toEqual([])
    expect(notRun.filter((entry) => !shells.some((block) => isAbout(entry, block)))).toEqual([])
    expect(blocks.filter(({ language }) => /^(bash|shell|console|zsh)$/.test(language)).map(where), 'write sh').toEqual(
      [],
    )
  })

  test('exists, if it is an npm script', () => {
    // A page of a package is about the scripts of that package.
    const manifests = ['package.json', 'docs/server/client/package.json']
    const scripts = Object.assign(
      {},
      ...manifests.map((file) => JSON.parse(readFileSync(resolve(root, file), 'utf8')).scripts),
    )
    const named = shells.filter((block) => runnerOf(block) === 'npm').flatMap(npmScriptsOf)
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  test('reads every line of the logs that it selects by label, not only the last ten of each pod', () => {
    const commands = shells.flatMap(commandsOf).filter((command) => /\blogs\b.* (-l|--selector)\b/.test(command))
    expect(commands.length).toBeGreaterThan(3)
    expect(commands.filter((command) => !command.includes('--tail=-1'))).toEqual([])
  })

  test('names no colour, because either may have the traffic, and passes no password as an argument', () => {
    const commands = shells.flatMap(commandsOf)
    expect(commands.filter((command) => /(NAME|accounts)-(blue|green)\b/.test(command))).toEqual([])
    expect(commands.filter((command) => /(^|\s)(-p|--password)[ =]\S|mongorestore.*--uri/.test(command))).toEqual([])
  })

  test('has valid shell syntax', async () => {
    for (const block of shells) {
      const { exitCode, stderr } = await execa('bash', ['-n'], { input: block.text, reject: false })
      expect(exitCode, `${where(block)}: ${stderr}`).toBe(0)
    }
  })

  test.each(shells.filter((block) => runnerOf(block) === 'apiServer').map((block) => ({ at: where(block), block })))(
    '$at does what it says',
    async ({ block }) => {
      // The status follows all children.
      await expect.poll(() => namespace.condition('accounts', 'Reconciling')).toMatch(/^True Progressing/)
      // A definition that another block has just applied is not published for a moment.
      await expect.poll(() => runBlock(withoutSideEffects(block.text), sandbox, 50)).toBe('')
    },
  )
})

describe('every object of README, docs and runbooks', () => {
  const objects = blocks
    .filter(({ language }) => language === 'yaml')
    .flatMap((block) =>
      parseAllDocuments(block.text).map((document) => ({
        at: where(block),
        object: document.toJS(),
        errors: document.errors,
      })),
    )

  test('is YAML', () => {
    expect(objects.length).toBeGreaterThan(10)
    expect(objects.flatMap(({ at, errors }) => errors.map((error) => `${at}: ${error.message}`))).toEqual([])
  })

  // Files of kubectl and of the API server; test/neighbours/kubernetes.test.ts reads the last two.
  const files = ['Kustomization', 'AuthenticationConfiguration', 'Config']
  // Others are parts of an object, which the page names.
  const whole = objects.filter(({ object }) => object?.kind !== undefined && !files.includes(object.kind))
  test.each(whole)('$at is accepted by an API server unchanged', async ({ object }) => {
    const inNamespace = { ...object, metadata: { ...object.metadata, namespace: namespace.name } }
    const { kubectl, kubeconfigPath } = sandbox
    const options = ['--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict', '--filename', '-']
    const { all, exitCode } = await execa(kubectl, ['--kubeconfig', kubeconfigPath, 'apply', ...options], {
      // As JSON: YAML 1.1 would read a member y as a boolean.
      input: JSON.stringify(inNamespace),
      reject: false,
      all: true,
    })
    expect(exitCode, all).toBe(0)
  })

  test('is complete, or a part of an object on a page that shows parts', () => {
    const parts = objects.filter(({ object }) => object?.kind === undefined).map(({ at }) => at.replace(/:\d+$/, ''))
    // Values of a Helm chart, a ConfigMap's data, parts of a spec that a page shows alone, a filter of Envoy.
    const known = [
      'docs/identity-providers.md',
      'docs/ingress.md',
      'docs/monitoring.md',
      'docs/operate.md',
      'docs/rollouts.md',
      'docs/server/api.md',
      'docs/server/second-factor-administration.md',
      'docs/troubleshooting.md',
    ]
    expect([...new Set(parts)].sort()).toEqual(known)
  })
})
