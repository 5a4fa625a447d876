/* Tells the lab's Ollama that no Intel GPU is there: the three symbols it looks up, and nothing behind them. */

void *ggml_backend_sycl_reg(void) { return 0; }

void *ggml_backend_sycl_init(int device) {
    (void)device;
    return 0;
}

void ggml_backend_sycl_get_device_name(int device, char *name, unsigned long size) {
    const char *absent = "absent";
    unsigned long i = 0;
    (void)device;
    if (size == 0) return;
    for (; i + 1 < size && absent[i]; i++) name[i] = absent[i];
    name[i] = 0;
}
