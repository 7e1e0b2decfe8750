import { after } from 'node:test';
import { closeStage, openStage } from '../harness/stage.js';
await openStage();
after(closeStage);
await import('./proxy.js');
