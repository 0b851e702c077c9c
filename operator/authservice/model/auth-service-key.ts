/** Identifies an AuthService. */
export interface AuthServiceKey {
  namespace: string
  name: string
}
