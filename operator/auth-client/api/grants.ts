import type { Rule } from '../../authservice/api/fields.ts'

/** The grants of RFC 6749, and `device_code` for that of RFC 8628. */
export const grants = ['authorization_code', 'refresh_token', 'client_credentials', 'device_code'] as const

const has = (grant: (typeof grants)[number]) => `'${grant}' in self.grants`
/** Without `grants`, a client has authorization_code and refresh_token. */
const usesCodes = `(!has(self.grants) || ${has('authorization_code')})`
const usesCredentials = `(has(self.grants) && ${has('client_credentials')})`

/** Rules of a spec about its grants, as servers apply them in `clientProblems`. */
export const grantRules: Rule[] = [
  {
    rule: `!${usesCodes} || has(self.redirectUris)`,
    message:
      'redirectUris is empty, which authorization_code needs: write where browsers return after a login, or grants without authorization_code',
    fieldPath: '.redirectUris',
    reason: 'FieldValueRequired',
  },
  {
    rule: `${usesCodes} || !has(self.redirectUris)`,
    message:
      'redirectUris has no effect without authorization_code in grants: remove redirectUris, or add authorization_code',
    fieldPath: '.redirectUris',
  },
  {
    rule: `${usesCodes} || !(${has('refresh_token')}) || ${has('device_code')}`,
    message:
      'refresh_token in grants needs authorization_code or device_code, which begin the session: add one of them, or remove refresh_token',
    fieldPath: '.grants',
  },
  {
    rule: `!${usesCredentials} || !has(self.authentication) || !has(self.authentication.method) || self.authentication.method != 'None'`,
    message:
      'client_credentials in grants needs an authentication other than None: write authentication.method: Secret or PrivateKeyJWT',
    fieldPath: '.authentication',
  },
  {
    rule: `!${usesCredentials} || has(self.resources)`,
    message: 'client_credentials in grants needs resources, which its tokens are for: list at least one API',
    fieldPath: '.resources',
    reason: 'FieldValueRequired',
  },
  {
    rule: `!has(self.backchannelLogoutUri) || ${usesCodes} || ${has('device_code')}`,
    message:
      'backchannelLogoutUri has no effect without users: remove it, or add authorization_code or device_code to grants',
    fieldPath: '.backchannelLogoutUri',
  },
  {
    rule: `!has(self.scopes) || !('offline_access' in self.scopes) || !has(self.grants) || ${has('refresh_token')}`,
    message: 'offline_access asks for refresh tokens: add refresh_token to grants',
    fieldPath: '.scopes',
  },
]
