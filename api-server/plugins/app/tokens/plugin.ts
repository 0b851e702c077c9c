import { watch } from 'node:fs'
import { dirname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type AccessTokenClaims, type IssuedToken, issueAccessToken, verifyAccessToken } from './access-token.ts'
import { KeyStore, keyOfSecret, readKeySet } from './key-store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    tokens: {
      issueAccessToken(subject: { userId: string; sessionId: string; role: string }): Promise<IssuedToken>
      /** @throws Problem 401 */
      verifyAccessToken(token: string): Promise<AccessTokenClaims>
      keys: KeyStore
    }
  }
}

/** A volume's files change by a rename that a watch may miss: they are looked at so often in any case. */
const rereadMilliseconds = 10_000

export default fp(
  async function tokens(app) {
    const { config } = app
    const keys = new KeyStore()
    if ('secret' in config.signingKeys) keys.replace([keyOfSecret(config.signingKeys.secret)])
    else await followFile(app, config.signingKeys.file, keys)

    const policy = {
      issuer: config.issuer,
      audience: config.audience,
      lifetimeSeconds: config.accessTokenLifetimeSeconds,
    }
    app.decorate('tokens', {
      keys,
      issueAccessToken: (subject) => issueAccessToken(keys, policy, subject, new Date()),
      verifyAccessToken: (token) => verifyAccessToken(keys, policy, token, new Date()),
    })
  },
  { name: 'tokens', dependencies: ['config', 'metrics'] },
)

/** Reads the file now and whenever it changes. A broken one is said and the known keys stay. */
async function followFile(app: FastifyInstance, file: string, keys: KeyStore): Promise<void> {
  keys.replace(await readKeySet(file))
  let known = describe(keys)
  const reread = async () => {
    try {
      keys.replace(await readKeySet(file))
      if (describe(keys) === known) return
      known = describe(keys)
      app.log.info({ event: 'key_rotated', kids: keys.all().map(({ kid }) => kid) }, 'signing keys changed')
    } catch (error) {
      app.log.error({ err: error, file }, 'the signing keys cannot be read: the known ones stay in use')
    }
  }
  // The folder, because a Secret volume replaces a link in it.
  const watcher = watch(dirname(file), () => void reread())
  const timer = setInterval(() => void reread(), rereadMilliseconds)
  timer.unref()
  app.addHook('onClose', async () => {
    watcher.close()
    clearInterval(timer)
  })
}

function describe(keys: KeyStore): string {
  return JSON.stringify(keys.all().map(({ kid, activateAt, retireAt }) => [kid, activateAt, retireAt]))
}
