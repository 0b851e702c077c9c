import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fastify } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig, type ServerEnvironment } from '../../../api-server/config.ts'
import config from '../../../api-server/plugins/app/config-plugin.ts'
import smtp from '../../../api-server/plugins/external/smtp.ts'
import { issueCertificate } from '../../../operator/authservice/secrets/certificates.ts'
import { type SmtpEncryption, startSmtp, type TestSmtp } from '../../servers/smtp.ts'

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

/** Sends a mail with the settings to a server. @returns how many it has got */
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

test.each(['StartTLS', 'TLS'] as const)('by %s a mail goes to a server whose authority is named', async (kind) => {
  const sent = send({ kind, ...certificate }, (server) => ({ SMTP_URL: urls[kind](server), SMTP_CA_FILE: caFile }))
  expect(await sent).toBe(1)
})

test.each(['StartTLS', 'TLS'] as const)('by %s no mail goes to a server that nobody vouches for', async (kind) => {
  await expect(send({ kind, ...certificate }, (server) => ({ SMTP_URL: urls[kind](server) }))).rejects.toThrow(
    /self-signed|unable to verify/,
  )
})

test('where StartTLS is asked for, no mail goes to a server that does not offer it', async () => {
  await expect(send({ kind: 'None' }, (server) => ({ SMTP_URL: urls.StartTLS(server) }))).rejects.toThrow(
    'upgrading connection with STARTTLS',
  )
})
