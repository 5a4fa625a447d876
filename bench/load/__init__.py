"""What is sent, and when: workloads, arrival processes, the phases of a run, and the generator that sends them."""
