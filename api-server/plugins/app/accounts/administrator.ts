/** The administrator who changes the account of another user, for security events. */
export interface Administrator {
  id: string
  address: string
}
