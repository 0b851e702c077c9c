import type { Rule } from '../../authservice/api/fields.ts'

const isPublic = "(has(self.authentication) && has(self.authentication.method) && self.authentication.method == 'None')"
const followsFapi = '(has(self.fapi) && self.fapi)'

/** Rules of a spec about PKCE, as servers apply them in `clientProblems`. */
export const pkceRules: Rule[] = [
  {
    rule: `!has(self.requirePkce) || self.requirePkce || !${isPublic} && !${followsFapi}`,
    message:
      'public clients and those with fapi need PKCE, because without it, a stolen code gives tokens: remove requirePkce, or write true',
    fieldPath: '.requirePkce',
  },
]
