import { createHash, X509Certificate } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { waitUntilReady } from '../../../tools/cluster-client/readiness.ts'
import { apply, freshNamespace, kubectl, removeNamespace, sample } from '../../e2e/cluster-under-test.ts'
import { addAuthenticator, documentedCode, launchChromium, passkeyPage, runOn, text } from '../passkey-page.ts'

const namespace = 'e2e'
const host = 'auth.localhost'
const password = 'correct horse battery'
/** A test leaves it for people. */
const screenshot = resolve(import.meta.dirname, '../../../.cluster/passkeys.png')

/** An AuthService with passkeys, at the node port of the cluster. */
async function startAuthService(origin: string): Promise<string> {
  await freshNamespace(namespace)
  onTestFinished(() => removeNamespace(namespace))
  const { spec, ...rest } = await sample('quickstart.yaml')
  const mfa = { mode: 'Optional', passkeys: { enabled: true, origins: [origin] } }
  await apply(namespace, { ...rest, spec: { ...spec, tokens: { issuer: origin }, mfa } })
  const { name } = rest.metadata
  await waitUntilReady(kubectl(), { namespace, name, timeoutSeconds: 300 }, (message) => console.log(message))
  return name
}

/** The SHA-256 hash of the public key of the edge, by which Chromium trusts its certificate without installing the CA. */
async function publicKeyHash(name: string): Promise<string> {
  const { data } = await kubectl().json<{ data: Record<string, string> }>([
    'get',
    'secret',
    `${name}-edge-tls`,
    '--namespace',
    namespace,
  ])
  const { publicKey } = new X509Certificate(Buffer.from(data['tls.crt'] ?? '', 'base64'))
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

test('spec.mfa.passkeys: a user adds a passkey in Chromium through the edge, and logs in with it alone and after the password', async () => {
  // Chromium resolves names below localhost to this machine.
  const origin = `https://${host}:${inject('cluster').edgePort}`
  const name = await startAuthService(origin)
  const browser = await launchChromium(`--ignore-certificate-errors-spki-list=${await publicKeyHash(name)}`)
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  await page.route(`${origin}/page`, (route) => route.fulfill({ contentType: 'text/html', body: passkeyPage }))
  await page.goto(`${origin}/page`)
  await page.addScriptTag({ content: documentedCode(origin) })
  const devTools = await page.context().newCDPSession(page)
  await devTools.send('WebAuthn.enable')
  const authenticatorId = await addAuthenticator(devTools)

  const email = 'passkey@example.com'
  const user = JSON.stringify({ email, password, name: 'A User' })
  expect(await runOn(page, `post('/v1/auth/register', ${user})`)).toMatchObject({ email })
  const loggedIn = await runOn(page, `logIn(${text(email)}, ${text(password)})`)
  const added = await runOn(page, `addPasskey(${text(loggedIn['access_token'])}, ${text(password)}, 'Laptop')`)
  expect(added).toMatchObject({ access_token: expect.any(String), recovery_codes: Array(10).fill(expect.any(String)) })
  const { credentials } = await devTools.send('WebAuthn.getCredentials', { authenticatorId })
  expect(credentials).toMatchObject([{ rpId: host, isResidentCredential: true }])

  await page.evaluate(`document.querySelector('pre').textContent = ${text(`${page.url()}\n`)}`)
  const withPasskey = await runOn(page, 'logInByPasskey()')
  expect(withPasskey).toMatchObject({ user: { email } })
  expect(claimsOf(withPasskey)).toMatchObject({
    iss: origin,
    acr: 'aal2',
    amr: expect.arrayContaining(['user', 'mfa']),
  })
  await page.evaluate(`document.querySelector('pre').append(${text(JSON.stringify(claimsOf(withPasskey), null, 2))})`)
  await mkdir(resolve(screenshot, '..'), { recursive: true })
  await page.screenshot({ path: screenshot, fullPage: true })
  const withBoth = await runOn(page, `logIn(${text(email)}, ${text(password)})`)
  expect(claimsOf(withBoth)).toMatchObject({ acr: 'aal2', amr: expect.arrayContaining(['pwd', 'mfa']) })
})

function claimsOf(answer: Record<string, unknown>): unknown {
  const [, payload = ''] = String(answer['access_token']).split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}
