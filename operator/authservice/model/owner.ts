/** The AuthService that owns an object. */
export interface Owner {
  name: string
  namespace: string
  uid: string
}
