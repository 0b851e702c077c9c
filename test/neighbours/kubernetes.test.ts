import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import * as openid from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { type Kubectl, kubectlFor } from '../../tools/cluster-client/kubectl.ts'
import { kubernetesBinaries } from '../../tools/local-servers/binaries.ts'
import { startKubeApiserver, type TestApiServer } from '../../tools/local-servers/kube-apiserver.ts'
import { guideBlock, replaced } from '../documentation/guide.ts'
import { logInAsAdmin, password } from '../integration/api-server/app-for-test.ts'
import { RelyingParty } from '../integration/support/relying-party.ts'
import { type Provider, startProvider } from './relying-parties/provider.ts'

/**
 * The API server of Kubernetes with the configuration of docs/guides/kubernetes.md. A library logs in with the
 * parameters that the page gives to kubelogin.
 */
const guide = (kind: string) => guideBlock('kubernetes.md', 'yaml', `kind: ${kind}\n`)
const clientId = 'platform.kubectl'
/** The address that kubelogin listens on. */
const redirectUri = 'http://localhost:8000'
let provider: Provider
let apiServer: TestApiServer
let folder: string
let admin: Kubectl

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authservice-kubernetes-guide-'))
  const { type, redirectUris, scopes, userClaims } = parse(guide('AuthClient')).spec
  const ofGuide = { type: type.toLowerCase(), redirectUris, postLogoutRedirectUris: [], scopes, userClaims }
  provider = await startProvider({
    [clientId]: { callback: '', isPublic: true, client: ofGuide },
    other: { callback: '/callback', isPublic: true },
  })
  apiServer = await startKubeApiserver([`--authentication-config=${await authenticationConfig()}`])
  admin = kubectlFor((await kubernetesBinaries()).kubectl, ['--kubeconfig', apiServer.kubeconfigPath])
  await fillViewRole()
  await admin.run(['apply', '--filename', '-'], { input: guide('ClusterRoleBinding') })
})
afterAll(async () => {
  await apiServer?.stop()
  await provider?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** What the controller manager does, which does not run here: it aggregates the rules of the ClusterRole `view`. */
async function fillViewRole(): Promise<void> {
  const { rules } = await admin.json<{ rules: object[] }>(['get', 'clusterrole', 'system:aggregate-to-view'])
  await admin.run(['patch', 'clusterrole', 'view', '--type=merge', '--patch', JSON.stringify({ rules })])
}

/** The file of the page, for the issuer of this test. */
async function authenticationConfig(): Promise<string> {
  const { issuer } = provider
  const text = replaced(guide('AuthenticationConfiguration'), { 'https://auth.example.com': issuer })
  const config = parse(text)
  config.jwt[0].issuer.certificateAuthority = await readFile(provider.site(clientId).caFile, 'utf8')
  const file = join(folder, 'authentication.yaml')
  await writeFile(file, stringify(config))
  return file
}

/** The parameters of the authorization request that the page makes kubelogin send. */
function parametersOfGuide(): Record<string, string> {
  const args: string[] = parse(guide('Config')).users[0].user.exec.args
  const flagOf = (flag: string) => args.find((each) => each.startsWith(`--${flag}=`))?.slice(flag.length + 3) ?? ''
  expect(flagOf('oidc-client-id')).toBe(clientId)
  const [, claims = ''] = flagOf('oidc-auth-request-extra-params').split('claims=')
  return { scope: `openid ${flagOf('oidc-extra-scope')}`, claims }
}

async function logIn(email: string, id = clientId, uri = redirectUri, parameters = parametersOfGuide()) {
  const config = await openid.discovery(new URL(provider.issuer), id, undefined, openid.None())
  const application = new RelyingParty(config, uri)
  const flow = await application.start(parameters)
  const browser = provider.browser()
  let page = await browser.open(flow.url)
  page = await browser.submit(page, '/login', { email, password })
  // Users of a native client are always asked.
  if (page.url.origin === provider.issuer) page = await browser.submit(page, '/consent', {})
  return { application, tokens: await redeem(id, uri, flow.verifier, page.url.searchParams.get('code')) }
}

/** As kubelogin does: its redirect URI has no path, which openid-client cannot send. */
async function redeem(client_id: string, redirect_uri: string, code_verifier: string, code: string | null) {
  const body = { grant_type: 'authorization_code', client_id, redirect_uri, code_verifier, code: code ?? '' }
  const answer = await fetch(`${provider.issuer}/oauth/token`, { method: 'POST', body: new URLSearchParams(body) })
  const text = await answer.text()
  expect(answer.status, text).toBe(200)
  const tokens: Record<'access_token' | 'id_token' | 'refresh_token', string> = JSON.parse(text)
  return { ...tokens, sub: decodeJwt(tokens.id_token).sub ?? '' }
}

/** kubectl with this token. */
async function kubectlWith(token: string | undefined): Promise<Kubectl> {
  const { clusters } = JSON.parse(await readFile(apiServer.kubeconfigPath, 'utf8'))
  const file = join(folder, 'kubeconfig')
  const contexts = [{ name: 'test', context: { cluster: 'test', user: 'test' } }]
  const users = [{ name: 'test', user: { token } }]
  await writeFile(
    file,
    JSON.stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'test', clusters, contexts, users }),
  )
  return kubectlFor(admin.binary, ['--kubeconfig', file])
}

interface Review {
  status: { userInfo: { username: string; groups: string[] } }
}

async function whoAmI(token: string | undefined): Promise<Review['status']['userInfo']> {
  const { status } = await (await kubectlWith(token)).json<Review>(['auth', 'whoami'])
  return status.userInfo
}

async function giveRoles(sub: string, roles: string[]): Promise<void> {
  const { bearer } = await logInAsAdmin(provider.server)
  expect(await provider.server.patch(`/v1/admin/users/${sub}/claims`, { roles }, bearer)).toMatchObject({ status: 200 })
}

test('a user logs in with kubectl, and gets the permissions of an application role with the next token', async () => {
  const email = await provider.register()
  const { application, tokens } = await logIn(email)
  expect(await whoAmI(tokens.id_token)).toMatchObject({
    username: `accounts:${email}`,
    groups: ['system:authenticated'],
  })
  const list = ['get', 'configmaps', '--namespace', 'kube-system', '--output', 'name']
  await expect((await kubectlWith(tokens.id_token)).run(list)).rejects.toThrow(/Forbidden/)

  await giveRoles(tokens.sub, ['platform.viewer'])
  const refreshed = await application.refresh(tokens.refresh_token)
  expect(await whoAmI(refreshed.id_token)).toMatchObject({
    username: `accounts:${email}`,
    groups: ['accounts:platform.viewer', 'system:authenticated'],
  })
  expect(await (await kubectlWith(refreshed.id_token)).run(list)).toContain('configmap/')
  await expect((await kubectlWith(refreshed.id_token)).run(['create', 'namespace', 'theirs'])).rejects.toThrow(
    /Forbidden/,
  )
})

test('a role cannot have the name of a group of Kubernetes, because groups have a prefix', async () => {
  const { application, tokens } = await logIn(await provider.register())
  await giveRoles(tokens.sub, ['system:masters'])
  const refreshed = await application.refresh(tokens.refresh_token)
  const { groups } = await whoAmI(refreshed.id_token)
  expect(groups).toEqual(['accounts:system:masters', 'system:authenticated'])
})

test('the API server refuses an unconfirmed email, tokens of other clients, and access tokens', async () => {
  const unconfirmed = await logIn(await provider.register({ confirmsEmail: false }))
  await expect(whoAmI(unconfirmed.tokens.id_token)).rejects.toThrow(/Unauthorized|logged in/)

  const email = await provider.register()
  const elsewhere = await logIn(email, 'other', `${provider.site('other').url}/callback`)
  await expect(whoAmI(elsewhere.tokens.id_token)).rejects.toThrow(/Unauthorized|logged in/)

  const { tokens } = await logIn(email)
  await expect(whoAmI(tokens.access_token)).rejects.toThrow(/Unauthorized|logged in/)
  // Without the parameter `claims`, the ID token has no email.
  const bare = await logIn(email, clientId, redirectUri, { scope: 'openid' })
  await expect(whoAmI(bare.tokens.id_token)).rejects.toThrow(/Unauthorized|logged in/)
})
