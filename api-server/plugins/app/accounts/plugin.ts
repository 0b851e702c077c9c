import fp from 'fastify-plugin'
import { type AccountChanges, accountChanges } from './account-changes.ts'
import { type EmailFlows, emailFlows } from './email-flows.ts'
import { type PasswordFlows, passwordFlows } from './password-flows.ts'
import { type Registration, registration } from './registration.ts'
import { type VerifiedEmail, VerifiedEmails } from './verified-emails.ts'

declare module 'fastify' {
  interface FastifyInstance {
    verifiedEmails: VerifiedEmails
    /** What happens to accounts, each step with all that belongs to it. */
    accounts: { password: PasswordFlows; email: EmailFlows } & AccountChanges & Registration
  }
}

export default fp(
  async function accounts(app) {
    const verified = app.mongo.db.collection<VerifiedEmail>('verified_emails')
    app.decorate('verifiedEmails', new VerifiedEmails(verified))
    app.decorate('accounts', {
      password: passwordFlows(app),
      email: emailFlows(app),
      ...accountChanges(app),
      ...registration(app),
    })
  },
  {
    name: 'accounts',
    dependencies: [
      ...['config', 'mongo', 'users', 'passwords', 'revocation', 'limits', 'login-attempts'],
      ...['mail', 'one-time-tokens', 'security-events'],
    ],
  },
)
