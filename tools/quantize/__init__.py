"""Post-training quantisation of small convolutional TFLite models, on the flatbuffer itself."""
