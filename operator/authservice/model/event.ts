/** An event about an AuthService, for `kubectl describe`. */
export interface EventToRecord {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
}
