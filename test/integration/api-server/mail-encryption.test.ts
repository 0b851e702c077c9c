import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fastify } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../../api-server/config/config.ts'
import config from '../../../api-server/plugins/app/config-plugin.ts'
import smtp from '../../../api-server/plugins/external/smtp.ts'
import type { ServerEnvironment } from '../../../contract/environment.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/system-sources.ts'
import { type SmtpEncryption, startSmtp, type TestSmtp } from '../../../tools/local-servers/smtp.ts'

let folder: string
let caFile: string
let certificate: { key: string; cert: string }

beforeAll(async () => {
  const { 'tls.key': key = '', 'tls.crt': cert = '', 'ca.crt': ca = '' } = issueCertificate(['localhost'], new Date())
  certificate = { key, cert }
  folder = await mkdtemp(join(tmpdir(), 'authservice-smtp-'))
  caFile = join(folder, 'ca.crt')
  await writeFile(caFile, ca)
})
afterAll(() => rm(folder, { recursive: true }))

/** Sends a mail to a server with these settings. @returns the number of mails that it has received */
async function send(encryption: SmtpEncryption, settings: (server: TestSmtp) => ServerEnvironment): Promise<number> {
  const server = await startSmtp(encryption)
  const app = fastify()
  try {
    const environment = {
      ENVIRONMENT: 'staging',
      MONGODB_URL: 'mongodb://localhost',
      JWT_KEYS_FILE: 'none',
      MAIL_FROM: 'no-reply@example.com',
      PASSWORD_RESET_URL: 'https://app.example.com/{token}',
      EMAIL_VERIFY_URL: 'https://app.example.com/{token}',
      SMTP_USER: server.user,
      SMTP_PASSWORD: server.password,
    }
    await app.register(config, { config: readConfig({ ...environment, ...settings(server) }) })
    await app.register(smtp)
    await app.smtp?.send({ to: 'user@example.com', subject: 'A mail', text: 'A text' })
    return server.mails.length
  } finally {
    await app.close()
    await server.stop()
  }
}

const urls = {
  StartTLS: ({ port }: TestSmtp) => `smtp://localhost:${port}?requireTLS=true`,
  TLS: ({ port }: TestSmtp) => `smtps://localhost:${port}`,
}

test.each(['StartTLS', 'TLS'] as const)(
  'with %s a mail goes to a server whose authority is configured',
  async (kind) => {
    const sent = send({ kind, ...certificate }, (server) => ({ SMTP_URL: urls[kind](server), SMTP_CA_FILE: caFile }))
    expect(await sent).toBe(1)
  },
)

test.each(['StartTLS', 'TLS'] as const)(
  'with %s no mail goes to a server without a trusted certificate',
  async (kind) => {
    await expect(send({ kind, ...certificate }, (server) => ({ SMTP_URL: urls[kind](server) }))).rejects.toThrow(
      /self-signed|unable to verify/,
    )
  },
)

test('with StartTLS no mail goes to a server that does not offer it', async () => {
  await expect(send({ kind: 'None' }, (server) => ({ SMTP_URL: urls.StartTLS(server) }))).rejects.toThrow(
    'upgrading connection with STARTTLS',
  )
})
