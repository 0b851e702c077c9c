/**
 * Every reason that a condition of an AuthService can have, with its meaning. Scripts and alerts match reasons, so a
 * released one keeps its meaning.
 */
export const reasons = {
  // Ready, Reconciling, Stalled
  Ready: 'Everything that the spec requires exists and works.',
  Progressing: 'The operator is making changes, or is waiting for something that needs no action by a user.',
  Settled: 'Nothing is left to do for this generation.',
  NotStalled: 'No problem requires action by a user.',
  Suspended: 'spec.suspend is set: the operator observes and reports, and changes nothing.',

  // One component
  Available: 'The component exists and works.',
  Waiting: 'The component is starting.',
  PodsRefused: 'The API server rejects the pods of the component: a quota, a LimitRange, a PriorityClass or a webhook.',
  Failed: 'The component cannot become available by itself.',
  External: 'The database is external, and the servers are configured for it.',
  Disabled: 'The spec does not enable the component.',
  AutoscalerFailed: 'The autoscaler of the server does not scale.',

  // Rollout
  RolloutComplete: 'Every server pod runs the revision of the spec.',
  RolloutInProgress: 'A revision is rolling out.',
  RolloutFailed: 'A revision did not become available in time.',

  // Findings about a database
  MongoDBNotReplicaSet: 'MongoDB is a standalone server, where transactions fail.',
  RedisEvictsKeys: 'Redis may evict keys, so limits and revocations could be lost.',
  RedisUnreachable: 'No server pod reaches Redis, or an external Redis did not answer the migration Job.',
  MongoDBUnreachable: 'No server pod reaches MongoDB.',
  RestartPostponed:
    'A managed database or the edge is waiting to replace its pods, because this release of the operator changed their template.',

  // What only the user can correct
  SecretNotFound: 'A Secret that the spec names does not exist.',
  SecretKeyNotFound: 'A key is missing in a Secret that the spec names, or is empty.',
  SecretInvalid: 'The content of a Secret is wrong for its purpose.',
  IdentityProvidersInvalid: 'Servers would refuse the identity providers of the spec.',
  SigningSecretTooShort: 'A signing secret has fewer than 256 bits.',
  SigningSecretWeak: 'A signing secret is well known, repetitive, or a key file. Servers refuse to start with it.',
  KeySetInvalid:
    'A key set file cannot be parsed. The operator does not change it, because tokens, or secrets of second factors, may depend on its keys.',
  CertificateInvalid: 'A certificate has expired, is not for the host, or cannot be used.',
  CertificateRequired: 'Staging and production need a certificate, and the spec names none.',
  KindNotAvailable:
    'The spec needs a kind that the cluster does not have, or that the operator has no permission to use.',
  IngressClassNotFound: 'The IngressClass that the spec names does not exist, or there is no default one.',
  LimitedByFront: 'The proxy of the cluster does not support everything that the spec requires.',
  ImageNotAllowed: 'The image has none of the prefixes that the operator allows.',
  AnnotationNotAllowed: 'The spec has an Ingress annotation that the operator does not allow.',
  PrometheusMissing: 'The spec has a Prometheus query, and the operator has no PROMETHEUS_URL.',
  ColorUnreadable: 'A colour of spec.pages is hard to read, so the pages are shown without it.',
  BackupVolumeMissing: 'The volume for backups does not exist.',
  VolumeTerminating:
    'A PersistentVolumeClaim with users or backups is being deleted, and disappears with the last pod that uses it.',
  KindMissing:
    'The spec enables a child whose kind the cluster does not have, or that the operator has no permission to use.',
  ApplyRefused: 'The API server rejected a child.',
  KeptByPolicy:
    'An admission policy keeps a field of a child at a different value than the one that the operator writes.',
  ChildNotOwned: 'An object with the name of a child exists and does not belong to the AuthService.',

  // Production checklist
  ChecklistComplete: 'No item of the production checklist is open.',
  ChecklistOpen: 'Items of the production checklist are open.',
  NotProduction: 'Items of the production checklist are open, and the environment is not production.',
} as const

export type Reason = keyof typeof reasons
