import fp from 'fastify-plugin'
import { type VerifiedEmail, VerifiedEmails } from './verified-emails.ts'

declare module 'fastify' {
  interface FastifyInstance {
    verifiedEmails: VerifiedEmails
  }
}

/** What the account flows need besides other plugins. The flows are the functions of this folder. */
export default fp(
  async function accounts(app) {
    app.decorate('verifiedEmails', new VerifiedEmails(app.mongo.db.collection<VerifiedEmail>('verified_emails')))
  },
  { name: 'accounts', dependencies: ['mongo'] },
)
