"""The bundled model, its generator and training script, and the demo projects."""
