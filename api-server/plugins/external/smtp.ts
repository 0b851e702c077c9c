import { readFileSync } from 'node:fs'
import fp from 'fastify-plugin'
import type { SendMailOptions } from 'nodemailer'

declare module 'fastify' {
  interface FastifyInstance {
    /** Hands a mail to the SMTP server; undefined without SMTP_URL. @throws when the server does not take it */
    smtp: { send(mail: SendMailOptions): Promise<void> } | undefined
  }
}

/** Connections that are open at a time; each is used for many mails. */
export const mostConnections = 2
const mostMilliseconds = 10_000

export default fp(
  async function smtp(app) {
    const { mail, environment } = app.config
    if (mail.smtp === undefined) {
      app.decorate('smtp', undefined)
      return
    }
    // A server that sends no mail does not pay for it.
    const { createTransport } = await import('nodemailer')
    const { url, auth, caFile } = mail.smtp
    const transport = createTransport({
      // What the URL says about TLS and the user wins over the rest.
      url,
      ...(auth !== undefined && { auth }),
      ...(caFile !== undefined && { tls: { ca: readFileSync(caFile) } }),
      pool: true,
      requireTLS: environment === 'production' && mustEncrypt(url),
      maxConnections: mostConnections,
      connectionTimeout: mostMilliseconds,
      greetingTimeout: mostMilliseconds,
      socketTimeout: mostMilliseconds,
      // A mail has text and nothing else: what it names is never read from a file or fetched.
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
 * Whether a connection that begins in plain text must be encrypted before anything is said on it: `smtp://` to another
 * host. Left to the server, whoever sits in between could take its offer away and read links and the password.
 */
export function mustEncrypt(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'smtp:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}
