import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { localPathStorage } from './storage-class.ts'

const manifest = `
kind: Deployment
metadata: { name: local-path-provisioner }
spec:
  template: { spec: { containers: [{ name: p, image: "rancher/local-path-provisioner:v0.0.30" }] } }
---
kind: StorageClass
metadata: { name: local-path }
---
kind: ConfigMap
metadata: { name: local-path-config }
data:
  helperPod.yaml: |-
    spec:
      containers:
      - name: helper-pod
        image: busybox
---
`

test('the class is the default one, and every image is one that the node has', () => {
  const images = { provisionerImage: 'local/provisioner:1', helperImage: 'local/helper:1' }
  const [deployment, storageClass, configuration, ...rest] = parseAllDocuments(localPathStorage(manifest, images)).map(
    (document) => document.toJS(),
  )
  expect(rest).toEqual([])
  expect(deployment.spec.template.spec.containers[0].image).toBe('local/provisioner:1')
  expect(storageClass.metadata.annotations['storageclass.kubernetes.io/is-default-class']).toBe('true')
  expect(configuration.data['helperPod.yaml']).toContain('image: local/helper:1')
  expect(configuration.data['helperPod.yaml']).not.toContain('busybox')
})
