import { after } from 'node:test';
import { openStage, closeStage } from '../harness/stage.js';
import { Keycloak } from '../harness/keycloak.js';
Keycloak.start = async () => ({ stop() {} });
await openStage();
after(closeStage);
for (const name of (process.env.ONLY ?? 'clients').split(',')) await import(`./${name}.js`);
