import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { envoyBinary } from '../../../tools/local-servers/envoy.ts'
import { nginxDirectory } from '../../../tools/local-servers/nginx.ts'
import { freePort, type ServerProcess, startProcess } from '../../../tools/local-servers/server-process.ts'
import { type AppForTest, logIn, startApp } from './app-for-test.ts'

/** Proxies that send each request to the auth server, configured as in docs/server/api.md. */
let auth: AppForTest
let folder: string
let application: Server
const ports = { auth: 0, application: 0, nginx: 0, envoy: 0 }
const proxies: ServerProcess[] = []

beforeAll(async () => {
  auth = await startApp()
  await auth.app.listen({ host: '127.0.0.1', port: 0 })
  folder = await mkdtemp(join(tmpdir(), 'authservice-forward-auth-'))
  application = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const user = request.headers['x-user'] ?? request.headers['x-auth-user']
      response.end(JSON.stringify({ user, method: request.method, path: request.url, body }))
    })
  })
  await new Promise<void>((listening) => application.listen(0, '127.0.0.1', listening))
  Object.assign(ports, {
    auth: portOf(auth.app.server),
    application: portOf(application),
    nginx: await freePort(),
    envoy: await freePort(),
  })
  proxies.push(...(await Promise.all([startNginx(), startEnvoy()])))
})
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()))
  application?.closeAllConnections()
  application?.close()
  await auth?.close()
  await rm(folder, { recursive: true, force: true })
})

function portOf(server: Server | AppForTest['app']['server']): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen')
  return address.port
}

async function pageBlock(language: string, having: string): Promise<string> {
  const page = await readFile(resolve(import.meta.dirname, '../../../docs/server/api.md'), 'utf8')
  const blocks = [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, code = '']) => code)
  const found = blocks.find((code) => code.includes(having))
  if (found === undefined) throw new Error(`the page has no ${language} block with ${having}`)
  return found
}

async function startNginx(): Promise<ServerProcess> {
  const block = await pageBlock('nginx', 'auth_request')
  const locations = block.replace('https://auth.example.com', `http://127.0.0.1:${ports.auth}`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  )
  const configuration = `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}
http {
  access_log off; ${temporary.join(' ')}
  upstream app { server 127.0.0.1:${ports.application}; }
  server { listen 127.0.0.1:${ports.nginx}; ${locations} }
}
`
  const file = join(folder, 'nginx.conf')
  await writeFile(file, configuration)
  const binary = { path: join(await nginxDirectory(), 'nginx'), env: {} }
  return startProcess(binary, ['-c', file, '-p', folder, '-e', 'stderr'], () => answers(ports.nginx))
}

async function startEnvoy(): Promise<ServerProcess> {
  const cluster = (name: string, port: number) => ({
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
      ],
    },
  })
  const extension = 'type.googleapis.com/envoy.extensions.filters'
  const manager = {
    '@type': `${extension}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'in',
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'app' } }] }],
    },
    http_filters: [
      parse(await pageBlock('yaml', 'ext_authz')),
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${extension}.http.router.v3.Router` } },
    ],
  }
  const configuration = {
    static_resources: {
      listeners: [
        {
          address: { socket_address: { address: '127.0.0.1', port_value: ports.envoy } },
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [cluster('auth', ports.auth), cluster('app', ports.application)],
    },
  }
  const file = join(folder, 'envoy.yaml')
  await writeFile(file, stringify(configuration))
  const binary = await envoyBinary()
  await chmod(binary.path, 0o755)
  const options = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'error']
  return startProcess(binary, ['--config-path', file, ...options], () => answers(ports.envoy))
}

function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/app/`).then(
    () => true,
    () => false,
  )
}

describe.each(['nginx', 'envoy'] as const)('%s authenticates each request', (proxy) => {
  const send = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    fetch(`http://127.0.0.1:${ports[proxy]}${path}`, { method, headers, ...(body !== undefined && { body }) })

  test('the application gets requests of any method and path from users only, with their id', async () => {
    const { bearer } = await logIn(auth)
    const { sub } = await auth.app.tokens.verifyAccessToken(bearer.authorization.slice('Bearer '.length))
    for (const [method, path, body] of [
      ['GET', '/app/orders/7?part=%2Fa&x=1'],
      ['POST', '/app/orders', '{"amount":1}'],
      ['PUT', '/app/orders/%C3%BC', 'amount=1'],
      ['DELETE', '/app/orders/7'],
      ['PATCH', '/app/orders/7', '{}'],
      ['OPTIONS', '/app/orders/7'],
    ] as const) {
      const type = { 'content-type': body?.startsWith('{') ? 'application/json' : 'application/x-www-form-urlencoded' }
      const forged = { 'x-auth-user': 'somebody-else' }
      const answer = await send(method, path, { ...bearer, ...forged, ...(body !== undefined && type) }, body)
      expect({ status: answer.status, ...JSON.parse(await answer.text()) }).toEqual({
        status: 200,
        user: sub,
        method,
        path,
        body: body ?? '',
      })
      expect((await send(method, path, {}, body)).status).toBe(401)
      expect((await send(method, path, { authorization: 'Bearer forged' }, body)).status).toBe(401)
    }
  })

  test('a logout takes effect', async () => {
    const { bearer } = await logIn(auth)
    expect((await send('POST', '/app/', bearer)).status).toBe(200)
    expect((await auth.post('/v1/auth/logout', {}, bearer)).status).toBe(204)
    expect((await send('POST', '/app/', bearer)).status).toBe(401)
  })
})

test('an OPTIONS request through a proxy needs a token; a direct preflight request of a browser is answered', async () => {
  const { bearer } = await logIn(auth)
  const preflight = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' }
  const options = async (path: string, headers: Record<string, string>) =>
    (await auth.app.inject({ method: 'OPTIONS', url: path, headers })).statusCode
  const ofProxies: [string, Record<string, string>][] = [
    ['/v1/auth/verify/app/orders/7', {}],
    ['/v1/auth/verify/app/orders/7', preflight],
    ['/v1/auth/verify', {}],
    // Traefik with preserveRequestMethod sends it so.
    ['/v1/auth/verify', { ...preflight, 'x-forwarded-method': 'OPTIONS' }],
  ]
  for (const [path, headers] of ofProxies) {
    expect(await options(path, headers)).toBe(401)
    expect(await options(path, { ...headers, ...bearer })).toBe(200)
  }
  expect(await options('/v1/auth/verify', preflight)).toBe(204)
})

test('the server reads no body, whatever its content type, and ignores the original path', async () => {
  const { bearer } = await logIn(auth)
  for (const path of ['/v1/auth/verify', '/v1/auth/verify/', '/v1/auth/verify/v1/auth/logout']) {
    for (const type of ['application/json', 'text/plain', 'no/such-type']) {
      const headers = { ...bearer, 'content-type': type }
      const { status } = await fetch(`http://127.0.0.1:${ports.auth}${path}`, { method: 'POST', headers, body: '{' })
      expect([type, path, status]).toEqual([type, path, 200])
    }
  }
  expect((await auth.get('/v1/auth/verify', bearer)).status).toBe(200)
  expect((await auth.get('/v1/auth/verifyx', bearer)).status).toBe(404)
})
