import fp from 'fastify-plugin'
import type { Config } from './config/config.ts'
import accounts from './plugins/app/accounts/plugin.ts'
import authenticate from './plugins/app/authenticate.ts'
import authenticateUser from './plugins/app/authenticate-user.ts'
import caller from './plugins/app/caller.ts'
import configPlugin from './plugins/app/config-plugin.ts'
import cookieMode from './plugins/app/cookie-mode/plugin.ts'
import documentation from './plugins/app/documentation/plugin.ts'
import draining from './plugins/app/draining.ts'
import databaseGuard from './plugins/app/health/database-guard.ts'
import databaseSchema from './plugins/app/health/database-schema.ts'
import health from './plugins/app/health/plugin.ts'
import identityProviders from './plugins/app/identity-providers/plugin.ts'
import jsonBodies from './plugins/app/json-bodies.ts'
import limits from './plugins/app/limits/plugin.ts'
import loginAttempts from './plugins/app/login-attempts/plugin.ts'
import mail from './plugins/app/mail/plugin.ts'
import mfa from './plugins/app/mfa/plugin.ts'
import oauthClients from './plugins/app/oauth-clients/plugin.ts'
import metrics from './plugins/app/observability/metrics.ts'
import requestId from './plugins/app/observability/request-id.ts'
import requestLog from './plugins/app/observability/request-log.ts'
import securityEvents from './plugins/app/observability/security-events.ts'
import oidc from './plugins/app/oidc/plugin.ts'
import oneTimeTokens from './plugins/app/one-time-tokens/plugin.ts'
import pages from './plugins/app/pages/plugin.ts'
import passkeys from './plugins/app/passkeys/plugin.ts'
import passwords from './plugins/app/passwords/plugin.ts'
import { rejectOtherMethods } from './plugins/app/problems/other-methods.ts'
import problems from './plugins/app/problems/plugin.ts'
import revocation from './plugins/app/revocation/plugin.ts'
import securityEventStore from './plugins/app/security-event-store/plugin.ts'
import sessions from './plugins/app/sessions/plugin.ts'
import tokens from './plugins/app/tokens/plugin.ts'
import userClaims from './plugins/app/user-claims/plugin.ts'
import users from './plugins/app/users/plugin.ts'
import cookies from './plugins/external/cookies.ts'
import cors from './plugins/external/cors.ts'
import helmet from './plugins/external/helmet.ts'
import mongo from './plugins/external/mongo.ts'
import redis from './plugins/external/redis.ts'
import smtp from './plugins/external/smtp.ts'
import tracing from './plugins/external/tracing.ts'
import webAuthn from './plugins/external/webauthn.ts'
import oauthRoutes from './routes/oauth/index.ts'
import adminRoutes from './routes/v1/admin/index.ts'
import authRoutes from './routes/v1/auth/index.ts'
import meRoutes from './routes/v1/me/index.ts'
import wellKnownRoutes from './routes/well-known.ts'

/** The API: libraries, then the domain, then the routes. Each builds on what precedes it. */
export default fp<{ config: Config }>(
  async function api(app, { config }) {
    const rejectOthers = rejectOtherMethods(app)
    await app.register(requestId)
    await app.register(configPlugin, { config })
    await app.register(problems)
    await app.register(jsonBodies)
    await app.register(draining)
    await app.register(tracing)
    await app.register(requestLog)
    await app.register(metrics)
    await app.register(securityEvents)
    await app.register(helmet)
    await app.register(cors)
    await app.register(cookies)
    await app.register(documentation)
    await app.register(mongo)
    await app.register(databaseSchema)
    await app.register(databaseGuard)
    await app.register(securityEventStore)
    await app.register(redis)
    await app.register(passwords)
    await app.register(users)
    await app.register(userClaims)
    await app.register(revocation)
    await app.register(tokens)
    await app.register(sessions)
    await app.register(authenticate)
    await app.register(limits)
    await app.register(loginAttempts)
    await app.register(pages)
    await app.register(caller)
    await app.register(authenticateUser)
    await app.register(smtp)
    await app.register(mail)
    await app.register(oneTimeTokens)
    await app.register(accounts)
    await app.register(mfa)
    await app.register(passkeys)
    if (app.passkeys.isOn) await app.register(webAuthn)
    await app.register(identityProviders)
    await app.register(oidc)
    await app.register(oauthClients)
    await app.register(cookieMode)
    await app.register(health)

    await app.register(wellKnownRoutes)
    await app.register(authRoutes, { prefix: '/v1/auth' })
    await app.register(meRoutes, { prefix: '/v1' })
    await app.register(adminRoutes, { prefix: '/v1/admin' })
    await app.register(oauthRoutes, { prefix: '/oauth' })
    if (app.oidc !== undefined) {
      const { default: oidcRoutes } = await import('./routes/oidc/index.ts')
      await app.register(oidcRoutes, { oidc: app.oidc })
    }
    rejectOthers()
  },
  { name: 'api' },
)
