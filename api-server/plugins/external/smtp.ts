import { readFileSync } from 'node:fs'
import fp from 'fastify-plugin'
import type { SendMailOptions } from 'nodemailer'

declare module 'fastify' {
  interface FastifyInstance {
    /** Sends a mail to the SMTP server; undefined without SMTP_URL. @throws when the server does not accept it */
    smtp: { send(mail: SendMailOptions): Promise<void> } | undefined
  }
}

/** Maximum number of open connections; each is used for many mails. */
export const maxConnections = 2
const maxMilliseconds = 10_000

export default fp(
  async function smtp(app) {
    const { mail, environment } = app.config
    if (mail.smtp === undefined) {
      app.decorate('smtp', undefined)
      return
    }
    // Loaded only by a server that sends mail.
    const { createTransport } = await import('nodemailer')
    const { url, auth, caFile } = mail.smtp
    const transport = createTransport({
      // Settings of the URL about TLS and the user override the rest.
      url,
      ...(auth !== undefined && { auth }),
      ...(caFile !== undefined && { tls: { ca: readFileSync(caFile) } }),
      pool: true,
      requireTLS: environment === 'production' && mustEncrypt(url),
      maxConnections: maxConnections,
      connectionTimeout: maxMilliseconds,
      greetingTimeout: maxMilliseconds,
      socketTimeout: maxMilliseconds,
      // A mail contains only text: files and URLs in it are never read.
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    app.decorate('smtp', {
      async send(mailOptions: SendMailOptions) {
        await transport.sendMail({ from: mail.from, ...mailOptions })
      },
    })
    app.addHook('onClose', async () => transport.close())
  },
  { name: 'smtp', dependencies: ['config'] },
)

/**
 * Whether an unencrypted connection must switch to TLS before anything is sent: `smtp://` to another host. If the
 * server decided, an attacker in between could remove its offer and read links and the password.
 */
export function mustEncrypt(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'smtp:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}
