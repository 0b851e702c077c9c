import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import type { OidcClient } from '../../../contract/oidc-client-schema.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import { nginxDirectory } from '../../../tools/local-servers/nginx.ts'
import { freePort, type ServerProcess, startProcess } from '../../../tools/local-servers/server-process.ts'
import { developmentKeys } from '../../../tools/local-servers/signing-keys.ts'
import { startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'
import { type AppForTest, password, startApp } from '../../integration/api-server/app-for-test.ts'
import { oidcFiles } from '../../integration/api-server/oidc-client.ts'
import { PageBrowser } from '../../integration/support/relying-party.ts'

/** An application of another project or of a guide: where it runs, and its client. */
export interface Site {
  name: string
  /** Where browsers find it, by https, without a slash at its end. */
  url: string
  /** On which it listens on 127.0.0.1, by plain http. */
  port: number
  issuer: string
  clientId: string
  /** Empty for a public client. */
  clientSecret: string
  /** The certificate of the authority that has signed those of the issuer and of the site. */
  caFile: string
}

/** What the client of a site is, beside its URLs. */
export interface SiteOptions {
  /** The path of the redirect URI. */
  callback: string
  /** A public client, whose pages call the server from the browser. */
  isPublic?: true
  /** The lifetime of its access tokens, at least 60; that of the server by default. */
  accessTokenSeconds?: number
  /** Fields of the client that differ. */
  client?: Partial<OidcClient>
}

/** An auth server with an OpenID provider behind TLS, and places for applications behind TLS, too. */
export interface Provider {
  server: AppForTest
  issuer: string
  audience: string
  site(name: string): Site
  /** A browser that has no cookies yet. */
  browser(): PageBrowser
  /** Registers a user. @returns the email */
  register(options?: { confirmsEmail: boolean }): Promise<string>
  stop(): Promise<void>
}

/** @param sites the applications by their names, which are their client IDs as well */
export async function startProvider(sites: Readonly<Record<string, SiteOptions>>): Promise<Provider> {
  const folder = await mkdtemp(join(tmpdir(), 'authservice-provider-'))
  const caFile = await createCertificate(folder)
  const [issuerPort, serverPort] = [await freePort(), await freePort()]
  const issuer = `https://localhost:${issuerPort}`
  const audience = 'https://api.example.com'
  const places: (Site & { publicPort: number })[] = []
  const clients: OidcClient[] = []
  for (const [name, options] of Object.entries(sites)) {
    const [port, publicPort] = [await freePort(), await freePort()]
    const clientSecret = options.isPublic ? '' : randomBytes(32).toString('base64url')
    const url = `https://localhost:${publicPort}`
    const site: Site = { name, url, port, issuer, clientId: name, clientSecret, caFile }
    places.push({ ...site, publicPort })
    clients.push(clientOf(site, options))
  }
  const files = await oidcFiles(clients)
  const smtp = await startSmtp()
  const origins = places.filter(({ clientSecret }) => clientSecret === '').map(({ url }) => url)
  const server = await startApp({
    ...files.environment,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    JWT_SECRET: '',
    JWT_KEYS_FILE: await developmentKeys(folder),
    CORS_ORIGINS: origins.join(','),
    ...mailEnvironment(smtp),
  })
  await server.app.listen({ host: '127.0.0.1', port: serverPort })
  const all = [{ publicPort: issuerPort, port: serverPort }, ...places]
  const nginx = await startNginx(folder, all, `${issuer}/.well-known/openid-configuration`)
  return {
    server,
    issuer,
    audience,
    site(name) {
      const found = places.find((site) => site.name === name)
      if (found === undefined) throw new Error(`there is no site ${name}`)
      return found
    },
    browser: () => {
      const applications = places.map(({ url }) => url)
      return new PageBrowser(fetch, issuer, applications)
    },
    register: ({ confirmsEmail } = { confirmsEmail: true }) => register(server, smtp, confirmsEmail),
    async stop() {
      await nginx.stop()
      await server.close()
      await smtp.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Creates the certificate of `localhost`, and makes this process trust it. @returns the file of its authority */
async function createCertificate(folder: string): Promise<string> {
  const certificate = issueCertificate(['localhost'], new Date())
  for (const [file, content] of Object.entries(certificate)) await writeFile(join(folder, file), content)
  setDefaultCACertificates([...getCACertificates('default'), certificate['ca.crt'] ?? ''])
  return join(folder, 'ca.crt')
}

function clientOf(
  { name, url, clientSecret }: Site,
  { callback, accessTokenSeconds, client }: SiteOptions,
): OidcClient {
  const hash = createHash('sha256').update(clientSecret).digest('hex')
  return {
    id: name,
    name,
    firstParty: true,
    redirectUris: [`${url}${callback}`],
    postLogoutRedirectUris: [`${url}/`],
    grants: ['authorization_code', 'refresh_token'],
    scopes: ['openid', 'profile', 'email'],
    lifetimes: { ...(accessTokenSeconds !== undefined && { accessToken: accessTokenSeconds }) },
    authentication: clientSecret === '' ? { method: 'none' } : { method: 'secret', secretHashes: [hash] },
    ...client,
  }
}

function mailEnvironment(smtp: TestSmtp): ServerEnvironment {
  return {
    SMTP_URL: smtp.url,
    MAIL_FROM: 'Accounts <no-reply@example.com>',
    PASSWORD_RESET_URL: 'https://app.example.com/reset#token={token}',
    EMAIL_VERIFY_URL: 'https://app.example.com/verify#token={token}',
  }
}

async function register(server: AppForTest, smtp: TestSmtp, confirmsEmail: boolean): Promise<string> {
  const email = `${randomBytes(6).toString('hex')}@example.com`
  await server.post('/v1/auth/register', { email, password, name: 'Test User' })
  if (!confirmsEmail) return email
  await server.app.mail.idle()
  const mail = smtp.mails.find(({ to }) => to.includes(email))
  const token = /#token=([\w-]{43})$/m.exec(mail?.text ?? '')?.[1] ?? ''
  const { status } = await server.post('/v1/auth/email/verify', { token })
  if (status >= 300) throw new Error(`the confirmation of ${email} was answered with ${status}`)
  return email
}

/** Nginx with TLS on each public port, in front of a plain port. */
async function startNginx(
  folder: string,
  places: readonly { publicPort: number; port: number }[],
  readyUrl: string,
): Promise<ServerProcess> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  )
  const servers = places.map(
    ({ publicPort, port }) => `server {
    listen 127.0.0.1:${publicPort} ssl;
    ssl_certificate ${folder}/tls.crt; ssl_certificate_key ${folder}/tls.key;
    location / {
      proxy_pass http://127.0.0.1:${port};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_buffer_size 16k; proxy_buffers 8 16k;
    }
  }`,
  )
  const configuration = `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}
http { access_log off; ${temporary.join(' ')}
${servers.join('\n')}
}
`
  const file = join(folder, 'nginx.conf')
  await writeFile(file, configuration)
  const binary = { path: join(await nginxDirectory(), 'nginx'), env: {} }
  return startProcess(binary, ['-c', file, '-p', folder, '-e', 'stderr'], () =>
    fetch(readyUrl).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
}
