// Scratch memory that is not filled first.
#pragma once

#include <cstddef>
#include <memory>

namespace lamoo {

// As much as was ever asked for. What is in it is lost when it grows.
template <class T>
class Scratch {
 public:
  T* room_for(std::size_t count) {
    if (count > size_) {
      size_ = 0;
      memory_.reset(new T[count]);
      size_ = count;
    }
    return memory_.get();
  }

 private:
  std::unique_ptr<T[]> memory_;
  std::size_t size_ = 0;
};

}  // namespace lamoo
