import { fapiAlgorithms } from '@authservice-operator/contract/oidc-client-schema.ts'
import type { Rule } from '../../authservice/api/fields.ts'

const followsFapi = '(has(self.fapi) && self.fapi)'
const signs =
  "(has(self.authentication) && has(self.authentication.method) && self.authentication.method == 'PrivateKeyJWT')"
const isAllowed = `!has(key.alg) || key.alg in [${fapiAlgorithms.map((name) => `'${name}'`).join(', ')}]`

/** Rules of a spec about the FAPI 2.0 Security Profile. */
export const fapiRules: Rule[] = [
  {
    rule: `!${followsFapi} || ${signs}`,
    message:
      'fapi needs the method PrivateKeyJWT, because FAPI 2.0 forbids public clients, shared secrets and other tokens: write authentication.method: PrivateKeyJWT and authentication.jwks, or remove fapi',
    fieldPath: '.fapi',
  },
  {
    rule: `!${followsFapi} || !${signs} || !has(self.authentication.jwks) || self.authentication.jwks.keys.exists(key, ${isAllowed})`,
    message: `FAPI 2.0 allows only the algorithms ${fapiAlgorithms.join(', ')}: write a key of one of them into authentication.jwks, or remove fapi`,
    fieldPath: '.authentication',
  },
  {
    rule: `!${followsFapi} || !has(self.dpopBoundAccessTokens) || self.dpopBoundAccessTokens`,
    message: 'fapi binds every access token of the client: remove dpopBoundAccessTokens, or write true',
    fieldPath: '.dpopBoundAccessTokens',
  },
]
